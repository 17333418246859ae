import { Type } from 'typebox'
import { Failure } from '../../errors/index.ts'
import { b64token, maxTokenChars } from '../../lib/bearer.ts'
import type { ToolDefinition } from './tool.ts'

/**
 * The argument `accessToken`: a Graph token given with the call, for local runs without an app registration.
 *
 * It is part of no tool: where a switch allows it, every tool that lists shows it, and it is removed before the tool
 * sees its arguments.
 */
const argument = Type.Optional(
  Type.String({ description: 'Microsoft Graph access token to use instead of signing in. For local runs only.' }),
)

/** A definition as `tools/list` shows it, with the argument where it is allowed. */
export function advertise(definition: ToolDefinition, isAllowed: boolean): ToolDefinition {
  if (!isAllowed) return definition
  const { inputSchema } = definition
  return {
    ...definition,
    inputSchema: { ...inputSchema, properties: { ...inputSchema.properties, accessToken: argument } },
  }
}

/** The token among a call's arguments, if any; null is none. @throws {Failure} `accessToken_disabled`, `invalid_input` */
export function accessTokenArgument(args: unknown, isAllowed: boolean): string | undefined {
  const given = typeof args === 'object' && args !== null && 'accessToken' in args ? args.accessToken : undefined
  if (given === undefined || given === null) return undefined
  if (!isAllowed) throw new Failure('accessToken_disabled')
  if (typeof given === 'string' && given.length <= maxTokenChars && b64token.test(given)) return given
  throw new Failure('invalid_input', { detail: '"accessToken" takes a Microsoft Graph access token.' })
}

/** The arguments that are the tool's own. */
export function withoutAccessToken(args: unknown): unknown {
  if (typeof args !== 'object' || args === null) return args
  const { accessToken: _, ...own } = args as Record<string, unknown>
  return own
}
