import type { LoadUser } from './users.ts'

/** One MCP message of one user, and what its answer must be. */
export interface Call {
  readonly user: LoadUser
  /** Of its own in a run, so that an answer to another call is known as such. */
  readonly id: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** A text that a right answer holds. */
  readonly expects: string
  /** Whether the answer holds posts, which name their reader. */
  readonly hasPosts: boolean
}

export type Era = '2025' | '2026'

/** What is asked, whoever asks. */
export interface Question {
  readonly method: 'tools/call' | 'tools/list'
  readonly tool?: 'getMessages' | 'getMessage'
  readonly args?: Readonly<Record<string, unknown>>
  readonly era?: Era
  readonly expects?: string
}

/** The next call of a run. */
export type NextCall = () => Call

const jsonHeaders = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
const versions: Record<Era, string> = { 2025: '2025-06-18', 2026: '2026-07-28' }
let made = 0

/**
 * Calls of all users in turn, each user before any comes again.
 *
 * @param ask what the call with this number asks; numbers start at 0
 */
export function inTurn(users: readonly LoadUser[], ask: (number: number) => Question): NextCall {
  let number = 0
  return () => {
    const user = users[number % users.length]
    if (user === undefined) throw new Error('There are no users')
    return callOf(user, ask(number++))
  }
}

/** A question as one user's HTTP request, in the shape that its protocol revision has. */
export function callOf(user: LoadUser, { method, tool, args = {}, era = '2025', expects }: Question): Call {
  const id = `load-${(made++).toString(36)}`
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
    expects: expects ?? (method === 'tools/list' ? '"getMessages"' : '"structuredContent"'),
    hasPosts: method === 'tools/call',
  }
}

const _meta = {
  'io.modelcontextprotocol/protocolVersion': versions['2026'],
  'io.modelcontextprotocol/clientCapabilities': {},
}

/** The question that costs are compared by: five posts with their bodies, so that every target's answer is alike. */
export const fivePosts: Question = { method: 'tools/call', tool: 'getMessages', args: { top: 5, body: 'html' } }

/** What the other targets are asked for it: they know no `body`, and give it always. */
export const fivePostsElsewhere: Question = { method: 'tools/call', tool: 'getMessages', args: { top: 5 } }
