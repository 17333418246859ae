import { coerceArguments } from './coerce-arguments.ts'
import type { McpMessage, ReceivedMessage } from './message.ts'
import type { Tool } from './tool.ts'

/**
 * A message as all that follows may take it: `params` and their members are absent where they were null, as serializers
 * of some languages write what is absent, and a call's arguments are what its tool takes ({@link coerceArguments}).
 */
export function normalizeMessage(message: ReceivedMessage, tool: Tool | undefined): McpMessage {
  const { params, ...rest } = message
  if (params === undefined || params === null) return rest
  const given = Object.fromEntries(Object.entries(params).filter(([, value]) => value !== null))
  if (tool === undefined || given['arguments'] === undefined) return { ...rest, params: given }
  // The argument `accessToken` is no tool's own.
  const args = coerceArguments(given['arguments'], tool.definition.inputSchema, ['accessToken'])
  return { ...rest, params: { ...given, arguments: args } }
}
