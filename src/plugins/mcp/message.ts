import { type Static, Type } from 'typebox'
import { coerceArguments } from './coerce-arguments.ts'
import type { Tool } from './tool.ts'

/** JSON-RPC 2.0 sections 4 and 5, one message: batches left MCP with revision 2025-06-18. */
export const ReceivedMessage = Type.Object({
  jsonrpc: Type.Literal('2.0'),
  id: Type.Optional(Type.Union([Type.String({ maxLength: 200 }), Type.Integer()])),
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
 * A JSON-RPC message, normalized: `params` and their members are absent where they were null, as serializers of some
 * languages write what is absent, and a call's arguments are what its tool takes ({@link coerceArguments}).
 *
 * @param ofAllTools names of arguments
 * @returns `ignored`: arguments that the tool does not have, and is called without
 */
export function normalizeMessage(
  message: ReceivedMessage,
  tool: Tool | undefined,
  ofAllTools: readonly string[],
): { readonly message: McpMessage; readonly ignored: readonly string[] } {
  const { params, ...rest } = message
  if (params === undefined || params === null) return { message: rest, ignored: [] }
  const given = Object.fromEntries(Object.entries(params).filter(([, value]) => value !== null))
  if (tool === undefined || given['arguments'] === undefined)
    return { message: { ...rest, params: given }, ignored: [] }
  // The argument `accessToken` is no tool's own.
  const names = { alsoKnown: ['accessToken'], ofOthers: ofAllTools }
  const { args, ignored } = coerceArguments(given['arguments'], tool.definition.inputSchema, names)
  return { message: { ...rest, params: { ...given, arguments: args } }, ignored }
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
