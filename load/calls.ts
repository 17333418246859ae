import type { LoadUser } from './users.ts'

/** One MCP request of one user, and what its response must hold. */
export interface Call {
  readonly user: LoadUser
  /** Unique in a run, so that a response to another call is recognized. */
  readonly id: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** A text that a correct response contains. */
  readonly expects: string
  /** Whether the response holds posts, which name their reader. */
  readonly hasPosts: boolean
  /** A text that only others may read. */
  readonly lacks?: string
}

export type Era = '2025' | '2026'

/** What is called, whoever calls. */
export interface CallSpec {
  readonly method: 'tools/call' | 'tools/list'
  readonly tool?: 'getMessages' | 'getMessage' | 'getDigest'
  readonly args?: Readonly<Record<string, unknown>>
  readonly era?: Era
  readonly expects?: string
  readonly lacks?: string
  /** Of a call of a tool, unless it is known to find nothing, or not to name the reader. */
  readonly hasPosts?: boolean
}

const jsonHeaders = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
const versions: Record<Era, string> = { 2025: '2025-06-18', 2026: '2026-07-28' }
const _meta = {
  'io.modelcontextprotocol/protocolVersion': versions['2026'],
  'io.modelcontextprotocol/clientCapabilities': {},
}
let created = 0

/**
 * Calls of all users, round robin.
 *
 * @param spec what the call with this number is, of this user; numbers start at 0
 */
export function roundRobin(users: readonly LoadUser[], spec: (number: number, user: LoadUser) => CallSpec): () => Call {
  let number = 0
  return () => {
    const user = users[number % users.length]
    if (user === undefined) throw new Error('There are no users')
    return createCall(user, spec(number++, user))
  }
}

/** One user's HTTP request, in the shape of its protocol revision. */
export function createCall(user: LoadUser, { method, tool, args = {}, era = '2025', ...spec }: CallSpec): Call {
  const id = `load-${(created++).toString(36)}`
  const params = { ...(tool !== undefined && { name: tool, arguments: args }), ...(era === '2026' && { _meta }) }
  return {
    user,
    id,
    headers: {
      ...jsonHeaders,
      'mcp-protocol-version': versions[era],
      // Revision 2026-07-28 names method and tool in headers too.
      ...(era === '2026' && { 'mcp-method': method, ...(tool !== undefined && { 'mcp-name': tool }) }),
      authorization: `Bearer ${user.token}`,
    },
    body: JSON.stringify({ jsonrpc: '2.0', id, method, params }),
    expects: spec.expects ?? (method === 'tools/list' ? '"getMessages"' : '"structuredContent"'),
    hasPosts: spec.hasPosts ?? method === 'tools/call',
    ...(spec.lacks !== undefined && { lacks: spec.lacks }),
  }
}

export function getMessages(args: CallSpec['args'] = { top: 5 }): CallSpec {
  return { method: 'tools/call', tool: 'getMessages', args }
}

/** The call that costs are compared by: five posts with their bodies, so that all targets send alike. */
export const fiveBodies = getMessages({ top: 5, body: 'html' })

/** The same for the baselines, which know no `body` and always send it. */
export const fiveBodiesOfBaseline = getMessages()

/** A call that goes to Graph each time, and reads little of it. */
export const fromGraph = getMessages({ top: 5, filter: "severity eq 'critical'" })
