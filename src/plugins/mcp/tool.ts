import type { TObject } from 'typebox'
import type { GraphPermission } from '../../lib/graph-permissions.ts'
import type { Caller } from '../auth/claims.ts'
import type { GraphSession } from '../graph-client/index.ts'

/** All that a tool may use: who calls, and Graph as that user. */
export interface ToolContext {
  readonly caller: Caller | null
  readonly graph: GraphSession
}

/** MCP, "Tools: Tool annotations". All four are said, so that no client has to assume the worst. */
export interface ToolAnnotations {
  readonly readOnlyHint: boolean
  readonly destructiveHint: boolean
  readonly idempotentHint: boolean
  readonly openWorldHint: boolean
}

/** A tool as `tools/list` shows it. */
export interface ToolDefinition {
  readonly name: string
  readonly title: string
  readonly description: string
  readonly inputSchema: TObject
  readonly outputSchema: TObject
  readonly annotations: ToolAnnotations
}

export interface Tool {
  readonly definition: ToolDefinition
  /** Delegated Graph permissions that the tool needs; none: it does not call Graph. */
  readonly permissions: readonly GraphPermission[]
  /** Their names. */
  readonly graphScopes: readonly string[]
  /**
   * Checks the arguments and runs the tool.
   *
   * @returns the structured content, of the shape `outputSchema`
   * @throws {Failure} `invalid_input`, or whatever the handler throws
   */
  call(args: unknown, context: ToolContext): Promise<Record<string, unknown>>
}
