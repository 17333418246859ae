import { request } from 'undici'

/** What a server says of itself, by the names of its `/metrics`; without those that have labels. */
export async function readMetrics(url: string): Promise<ReadonlyMap<string, number>> {
  const { body } = await request(url, { headersTimeout: 5_000, bodyTimeout: 5_000 })
  const lines = (await body.text()).matchAll(/^([a-zA-Z_:][\w:]*) (\S+)$/gm)
  return new Map([...lines].map(([, name = '', value]) => [name, Number(value)]))
}
