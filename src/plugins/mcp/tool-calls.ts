import { type CallToolResult, ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/server'
import { entryOf, Failure, failureText, isRetryable, toFailure } from '../../errors/index.ts'
import { beforeDeadline } from '../../lib/deadline.ts'
import { withoutAccessToken } from './access-token-argument.ts'
import type { ServedCall } from './call.ts'
import { isObject } from './coerce-arguments.ts'
import { withPermissionNamed } from './permission-errors.ts'
import type { GraphTools, Tool } from './tool.ts'

/** After a call's deadline: what gives up by then still says why. */
const graceMs = 1_500

export interface ToolCallsOptions {
  readonly accessTokenAllowed: boolean
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** Runs tools by name. What fails is a result that says why, and is noted in the call. */
export function createToolCalls(available: readonly Tool[], { accessTokenAllowed, now }: ToolCallsOptions) {
  const byName = new Map(available.map((tool) => [tool.definition.name, tool]))

  async function run(tool: Tool, args: unknown, { caller, access, signal }: ServedCall) {
    if (access instanceof Failure && tool.permissions.length > 0) throw access
    const given = accessTokenAllowed ? withoutAccessToken(args) : args
    return tool.call(given, { caller, signal, now, ...(access instanceof Failure ? closedTo(access) : access) })
  }

  return {
    find: (name: string): Tool | undefined => byName.get(name),
    /** @throws {ProtocolError} for what is no call, and for a name that no tool has */
    async call(params: Readonly<Record<string, unknown>>, call: ServedCall): Promise<CallToolResult> {
      const { name, arguments: args } = params
      if (typeof name !== 'string') throw invalidParam('name', 'string')
      if (args !== undefined && !isObject(args)) throw invalidParam('arguments', 'object')
      const tool = byName.get(name)
      if (tool === undefined) {
        throw new ProtocolError(ProtocolErrorCode.InvalidParams, `Unknown tool: ${name.slice(0, 80)}`)
      }
      try {
        const structuredContent = await withinDeadline(run(tool, args, call), call)
        const { ageSeconds } = structuredContent
        if (typeof ageSeconds === 'number') call.ageSeconds = ageSeconds
        call.isToolResult = true
        const content = [text(JSON.stringify(structuredContent)), ...tool.links(structuredContent)]
        if (call.ignored.length > 0) content.push(text(ignoredNote(tool, call.ignored)))
        return { content, structuredContent }
      } catch (error) {
        const failure = withPermissionNamed(toFailure(error), tool)
        call.failure = failure
        return toolError(failure)
      }
    },
  }
}

function text(text: string) {
  return { type: 'text' as const, text }
}

/** Else an agent would take the result for one of what it asked. */
function ignoredNote({ definition: { inputSchema } }: Tool, ignored: readonly string[]): string {
  const names = ignored.slice(0, 5).map((name) => JSON.stringify(name.slice(0, 60)))
  return `Ignored, since there is no such argument: ${names.join(', ')}. There are: ${Object.keys(inputSchema.properties).join(', ')}.`
}

/** In the words of {@link withPlainError}. */
function invalidParam(name: string, type: string): ProtocolError {
  return new ProtocolError(ProtocolErrorCode.InvalidParams, `Invalid params: "params.${name}" must be of type ${type}.`)
}

/** @throws {Failure} `graph_timeout` where a call that should have given up by itself has not */
export function withinDeadline<T>(work: Promise<T>, { deadline }: ServedCall): Promise<T> {
  return beforeDeadline(work, { leftMs: deadline.leftMs + graceMs }, () => new Failure('graph_timeout'))
}

/** For a tool that said it does not call Graph. */
function closedTo(failure: Failure): GraphTools {
  const reject = () => {
    throw failure
  }
  return {
    graph: { get: async () => reject(), post: async () => reject(), nextQuery: reject },
    messageCenter: { read: async () => reject(), find: async () => reject(), setViewPoint: reject },
    serviceHealth: { read: async () => reject() },
    roadmap: { read: async () => reject() },
  }
}

/** A failure as the agent sees it: a sentence to act on, and the same for programs in `_meta`. */
function toolError(failure: Failure): CallToolResult {
  const { reason, details } = failure
  return {
    isError: true,
    content: [text(`${reason}: ${failureText(failure)}`)],
    _meta: {
      'mcp-message-center-server/error': {
        reason,
        retryable: isRetryable(entryOf(reason)),
        ...(details.retryAfterSeconds !== undefined && { retryAfterSeconds: details.retryAfterSeconds }),
        ...(details.graphRequestId !== undefined && { graphRequestId: details.graphRequestId }),
        ...(details.link !== undefined && { link: details.link }),
      },
    },
  }
}
