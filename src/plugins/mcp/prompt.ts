import type { GraphTools } from './tool.ts'

/** Values that an argument may have, for what is typed so far. */
export type Complete = (typed: string, access: GraphTools) => Promise<readonly string[]>

export interface PromptArgument {
  readonly name: string
  readonly description: string
  readonly required: boolean
  readonly complete?: Complete
}

/** A task that a person picks, with blanks to fill in (MCP, "Prompts"). */
export interface Prompt {
  readonly name: string
  readonly title: string
  readonly description: string
  readonly arguments: readonly PromptArgument[]
  /** What the model is asked to do. Arguments that are not given are absent. */
  text(args: Readonly<Record<string, string>>): string
}
