import { request } from 'undici'

export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}
export interface Scrape {
  readonly text: string
  readonly contentType: string
  readonly samples: readonly Sample[]
  /** By the name in `# TYPE`. */
  readonly types: ReadonlyMap<string, string>
  /** The sum over all samples of a name that have these labels. */
  sum(name: string, labels?: Readonly<Record<string, string>>): number
}

const line = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (Na[nN]|[+-]?Inf|[+-]?[\d.e+-]+)$/
const label = /([a-zA-Z_]\w*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/g

/** Scrapes as Prometheus does, and parses strictly (Prometheus, "Exposition formats": text format 0.0.4). */
export async function scrape(port: number | string): Promise<Scrape> {
  const { statusCode, headers, body } = await request(`http://127.0.0.1:${port}/metrics`)
  const text = await body.text()
  if (statusCode !== 200) throw new Error(`/metrics responded with ${statusCode}: ${text}`)
  const types = new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => [name, type]))
  const samples = text
    .split('\n')
    .filter((one) => one !== '' && !one.startsWith('#'))
    .map((one) => {
      const [, name, labels = '', value] = line.exec(one) ?? []
      if (name === undefined) throw new Error(`Invalid sample: ${one}`)
      const pairs = [...labels.matchAll(label)]
      if (pairs.map(([pair]) => pair).join('') !== labels) throw new Error(`Invalid labels: ${one}`)
      return { name, labels: Object.fromEntries(pairs.map(([, key, text]) => [key, text])), value: Number(value) }
    })
  return {
    text,
    contentType: String(headers['content-type']),
    samples,
    types,
    sum: (name, labels = {}) =>
      samples
        .filter((one) => one.name === name && Object.entries(labels).every(([key, text]) => one.labels[key] === text))
        .reduce((total, { value }) => total + value, 0),
  }
}
