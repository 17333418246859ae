import { type JSONRPCMessage, ProtocolErrorCode } from '@modelcontextprotocol/server'
import { parseJson } from '../../lib/parse-json.ts'

/** What the SDK's validator says of one member that does not fit. */
interface Issue {
  readonly path: readonly (string | number)[]
  readonly expected?: string
}

/** The validator's words for what JSON calls an object. */
const objects = new Set(['record', 'map'])

/**
 * A response as it came from the SDK, but for an error whose message is the list of issues of its validator (Zod), as
 * JSON over several lines: that becomes one sentence about the first of them. The SDK also calls some of these internal
 * errors (-32603); they are the caller's: invalid params (JSON-RPC 2.0 section 5.1).
 */
export function withPlainError(response: JSONRPCMessage): JSONRPCMessage {
  if (!('error' in response)) return response
  const issue = firstIssue(response.error.message)
  if (issue === undefined) return response
  return { ...response, error: { code: ProtocolErrorCode.InvalidParams, message: sentence(issue) } }
}

function firstIssue(message: string): Issue | undefined {
  const start = message.indexOf('[\n')
  const issues = start === -1 ? undefined : parseJson(message.slice(start))
  const [first]: Partial<Issue>[] = Array.isArray(issues) ? issues : []
  return Array.isArray(first?.path) ? { ...first, path: first.path } : undefined
}

function sentence({ path, expected }: Issue): string {
  const member = JSON.stringify(path.join('.').slice(0, 80))
  if (expected === undefined) return `Invalid params: ${member} is invalid.`
  return `Invalid params: ${member} must be of type ${objects.has(expected) ? 'object' : expected}.`
}
