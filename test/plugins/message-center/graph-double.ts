import { Failure, type Reason } from '../../../src/errors/index.ts'
import type { GraphQuery, GraphSession } from '../../../src/plugins/graph-client/index.ts'
import { createGate } from '../../gate.ts'

export interface Listed {
  id: string
  lastModifiedDateTime: string
  startDateTime?: string
  body?: { contentType: string; content: string }
  [field: string]: unknown
}

export function message(n: number, fields: Partial<Listed> = {}): Listed {
  return {
    id: `MC${100_000 + n}`,
    title: `Change ${n}`,
    services: ['Microsoft Teams'],
    tags: [],
    startDateTime: '2026-11-01T00:00:00Z',
    lastModifiedDateTime: '2026-11-20T00:00:00Z',
    body: { contentType: 'html', content: `<p>Text of ${n}</p>` },
    ...fields,
  }
}

/** Graph's list of messages as one user is shown it, a page at a time; what is asked is recorded. */
export function graphOf(initial: Listed[], pageSize = 1000) {
  let messages = initial
  let failures: (Reason | 'hang')[] = []
  const gate = createGate()
  const asked: string[] = []
  const session: GraphSession = {
    async get(path, { query = new URLSearchParams() }: GraphQuery = {}) {
      asked.push([...query].map(([name, value]) => `${name}=${value}`).join('&'))
      const failure = failures.shift()
      await gate.passed()
      if (failure === 'hang') return new Promise(() => {})
      if (failure !== undefined) throw new Failure(failure)
      const select = query.get('$select')?.split(',')
      const skip = Number(query.get('$skip') ?? 0)
      const top = query.get('$top')
      const sorted = query.has('$orderby')
        ? messages.toSorted((a, b) => (a.lastModifiedDateTime < b.lastModifiedDateTime ? 1 : -1))
        : messages
      const size = Math.min(pageSize, top === null ? pageSize : Number(top))
      const value = sorted
        .slice(skip, skip + size)
        .map((one) => (select ? Object.fromEntries(select.map((field) => [field, one[field]])) : one))
      const next = new URLSearchParams(query)
      next.set('$skip', String(skip + size))
      const isLast = top !== null || skip + size >= messages.length
      return { value, ...(!isLast && { '@odata.nextLink': `${path}?${next}` }) }
    },
    post: async () => ({}),
    nextQuery: (_path, link) => new URLSearchParams(link.split('?')[1]),
  }
  return {
    session,
    /** The queries so far, without the fields that were selected: `bodies` or `listing`, and what else there was. */
    get asked() {
      return asked.map((query) => {
        const what = !query.includes('$select') || query.includes('body') ? 'bodies' : 'listing'
        const rest = query.split('&').filter((part) => part !== '' && !part.startsWith('$select'))
        return [what, ...rest].join(' ')
      })
    },
    show(next: Listed[]) {
      messages = next
    },
    /** The next calls end like this, one after the other. */
    fail(...reasons: (Reason | 'hang')[]) {
      failures = reasons
    },
    hold: gate.hold,
  }
}
