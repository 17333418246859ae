import type { ResourceLink, ToolAnnotations } from '@modelcontextprotocol/server'
import type { TObject } from 'typebox'
import type { GraphPermission, HasPermissions } from '../../lib/graph-permissions.ts'
import type { Caller } from '../auth/claims.ts'
import type { GraphSession } from '../graph-client/index.ts'
import type { MessageCenter } from '../message-center/index.ts'
import type { Roadmap } from '../roadmap/roadmap.ts'
import type { ServiceHealth } from '../service-health/index.ts'

/** What a tool may read: Graph as the signed-in user, and what is public. */
export interface GraphTools {
  readonly graph: GraphSession
  /** The user's Message Center, read once and answered from memory. */
  readonly messageCenter: MessageCenter
  readonly serviceHealth: ServiceHealth
  /** Public, and the same for everybody. */
  readonly roadmap: Roadmap
}

/** All that a tool may use. */
export interface ToolContext extends GraphTools {
  readonly caller: Caller | null
  /** Aborted when the client goes away. */
  readonly signal: AbortSignal
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** What needs Graph: a tool, or a method that reads messages. */
export interface GraphUse extends HasPermissions {
  /** For the log. */
  readonly name: string
}

/** A tool as `tools/list` shows it. */
export interface ToolDefinition {
  readonly name: string
  readonly title: string
  readonly description: string
  readonly inputSchema: TObject
  readonly outputSchema: TObject
  /** All four hints are said, so that no client has to assume the worst. */
  readonly annotations: Required<Omit<ToolAnnotations, 'title'>>
  /** MCP Apps (2026-01-26), "Resource Discovery": the view of a tool's results; the flat key is for hosts from before. */
  readonly _meta?: { readonly ui: { readonly resourceUri: string }; readonly 'ui/resourceUri': string }
}

export interface Tool {
  readonly definition: ToolDefinition
  /** Delegated Graph permissions that the tool needs; none: it does not call Graph. */
  readonly permissions: readonly GraphPermission[]
  /**
   * Checks the arguments and runs the tool.
   *
   * @returns the structured content, of the shape `outputSchema`
   * @throws {Failure} `invalid_input`, or whatever the handler throws
   */
  call(args: unknown, context: ToolContext): Promise<Record<string, unknown>>
  /** The resources that a result mentions. */
  links(result: Record<string, unknown>): readonly ResourceLink[]
}
