interface Asking {
  readonly method: string
  readonly headers: { readonly accept?: string | undefined }
}

/** Whether a browser asks for something to show: programs do not list `text/html`, or list JSON beside it. */
export function isForPerson({ method, headers: { accept = '' } }: Asking): boolean {
  const isRead = method === 'GET' || method === 'HEAD'
  return isRead && /\btext\/html\b/i.test(accept) && !/\bapplication\/json\b/i.test(accept)
}
