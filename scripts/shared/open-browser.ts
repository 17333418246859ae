/** Opens a web page in the operator's own browser. Rejects what is none, and where the machine has no way to. */
export async function openBrowser(url: string): Promise<void> {
  if (!/^https?:\/\//.test(url)) throw new Error('It is no web page')
  const { default: open } = await import('open')
  const started = await open(url)
  // What happens to the browser after its start is nobody's crash.
  started.on('error', () => undefined)
}
