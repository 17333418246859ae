/** Opens an address in the operator's own browser. Rejects where the machine has no way to. */
export async function openBrowser(url: string): Promise<void> {
  const { default: open } = await import('open')
  const started = await open(url)
  // What happens to the browser after its start is nobody's crash.
  started.on('error', () => undefined)
}
