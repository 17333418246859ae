import { type Static, Type } from 'typebox'
import { Failure } from '../../errors/index.ts'
import { coerceArguments, isObject } from './coerce-arguments.ts'
import type { Tool } from './tool.ts'

/** JSON-RPC 2.0 sections 4 and 5, one message: batches left MCP with revision 2025-06-18. */
export const ReceivedMessage = Type.Object({
  jsonrpc: Type.Literal('2.0'),
  id: Type.Optional(
    Type.Union([
      Type.String({ maxLength: 200 }),
      Type.Integer({ minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER }),
    ]),
  ),
  method: Type.Optional(Type.String({ maxLength: 200 })),
  // Serializers of some languages write null for what is absent.
  params: Type.Optional(Type.Unsafe<Readonly<Record<string, unknown>> | null>({ type: 'object', nullable: true })),
})
export type ReceivedMessage = Readonly<Static<typeof ReceivedMessage>>

/** A message as all that follows takes it: nothing in it is null that is absent. */
export interface McpMessage extends Omit<ReceivedMessage, 'params'> {
  readonly params?: Readonly<Record<string, unknown>>
}

/**
 * A JSON-RPC message, normalized: it has the members of one and no others; `params`, their members, and those of
 * what they hold are absent where they were null, as serializers of some languages write what is absent; and a call's
 * arguments are what its tool takes ({@link coerceArguments}).
 *
 * @param ofAllTools names of arguments
 * @returns `ignored`: arguments that the tool does not have, and is called without
 * @throws {Failure} `bad_request` for what is neither a request nor a response
 */
export function normalizeMessage(
  message: ReceivedMessage,
  tool: Tool | undefined,
  ofAllTools: readonly string[],
): { readonly message: McpMessage; readonly ignored: readonly string[] } {
  const { params, ...rest } = withMembersOnly(message)
  if (rest.method === undefined && !('result' in rest || 'error' in rest)) {
    throw new Failure('bad_request', { detail: 'Not a JSON-RPC message: "method" is missing.' })
  }
  if (params === undefined || params === null) return { message: rest, ignored: [] }
  const given = Object.fromEntries(
    Object.entries(withoutNulls(params)).map(([name, value]) => [
      name,
      objects.has(name) && isObject(value) ? withoutNulls(value) : value,
    ]),
  )
  if (isObject(given['_meta'])) {
    const { progressToken, ...others } = given['_meta']
    given['_meta'] = isProgressToken(progressToken) ? { progressToken, ...others } : others
  }
  if (tool === undefined || given['arguments'] === undefined)
    return { message: { ...rest, params: given }, ignored: [] }
  // The argument `accessToken` is no tool's own.
  const names = { alsoKnown: ['accessToken'], ofOthers: ofAllTools }
  const { args, ignored } = coerceArguments(given['arguments'], tool.definition.inputSchema, names)
  return { message: { ...rest, params: { ...given, arguments: args } }, ignored }
}

/** JSON-RPC 2.0 sections 4 and 5. */
const members = new Set(['jsonrpc', 'id', 'method', 'params', 'result', 'error'])

/** Members of `params` whose own members may be null where they are absent. */
const objects = new Set(['_meta', 'arguments', 'capabilities', 'clientInfo'])

function withMembersOnly(message: ReceivedMessage): ReceivedMessage {
  const entries = Object.entries(message)
  const own = entries.filter(([name]) => members.has(name))
  return own.length === entries.length ? message : (Object.fromEntries(own) as ReceivedMessage)
}

function withoutNulls(object: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  if (!Object.values(object).includes(null)) return object
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== null))
}

/** MCP, "Progress". No progress is reported here: one that the SDK would reject is done without. */
function isProgressToken(token: unknown): boolean {
  return typeof token === 'string' || Number.isSafeInteger(token)
}

/** Methods that clients of either era send. A log line names no other: it would be the caller's own text. */
const knownMethods = new Set([
  'initialize',
  'ping',
  'server/discover',
  'tools/list',
  'tools/call',
  'resources/list',
  'resources/templates/list',
  'resources/read',
  'prompts/list',
  'prompts/get',
  'completion/complete',
  'subscriptions/listen',
  'notifications/initialized',
  'notifications/cancelled',
])

export function loggableMethod(method: string | undefined): string | undefined {
  return method === undefined || knownMethods.has(method) ? method : 'other'
}
