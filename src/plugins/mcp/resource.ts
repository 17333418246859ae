import type { Complete } from './prompt.ts'
import type { GraphTools } from './tool.ts'

/** MCP Apps (2026-01-26): an HTML document that shows the results of tools, within the client. The same for every user. */
export interface View {
  readonly name: string
  readonly title: string
  readonly description: string
  /** Of the scheme `ui:`. */
  readonly uri: string
  readonly mimeType: string
  /** What it may load, and how it is framed. */
  readonly _meta: { readonly ui: Readonly<Record<string, unknown>> }
  /** @param tools names of the tools that it may call */
  read(tools: readonly string[]): Promise<string>
}

/** Something to read by its URI (MCP, "Resources: Resource Templates"). */
export interface Resource {
  readonly name: string
  readonly title: string
  readonly description: string
  /** URI template (RFC 6570) with one variable. */
  readonly uriTemplate: string
  readonly mimeType: string
  readonly complete: Complete
  /** The variable's value in a URI of this template; undefined where the URI is of none. */
  match(uri: string): string | undefined
  /** @throws {Failure} */
  read(value: string, access: GraphTools, signal: AbortSignal): Promise<string>
}
