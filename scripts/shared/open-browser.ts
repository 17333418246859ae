/** Opens a web page in the operator's own browser. Rejects other URLs, and where there is no browser. */
export async function openBrowser(url: string): Promise<void> {
  if (!/^https?:\/\//.test(url)) throw new Error('Not a web page')
  const { default: open } = await import('open')
  const started = await open(url)
  // A browser that fails after its start must not crash the process.
  started.on('error', () => undefined)
}
