import type { Failure } from '../../errors/index.ts'
import type { Deadline } from '../../lib/deadline.ts'
import type { Caller } from '../auth/claims.ts'
import type { GraphTools } from './tool.ts'

/** What a call may use, prepared by the route before anything is dispatched. */
export interface McpCall {
  /** Arguments that the tool does not have, and is called without. */
  readonly ignored: readonly string[]
  readonly caller: Caller | null
  /** Graph as the caller; or why there is none, which whatever needs it returns. */
  readonly access: GraphTools | Failure
  /** Aborted when the client goes away. */
  readonly signal: AbortSignal
  /** When whatever the call reads gives up; a load that it has joined may have begun later. */
  readonly deadline: Deadline
}

/** A call on its way; what became of it is noted here for the log and for HTTP. */
export interface ServedCall extends McpCall {
  readonly method: string | undefined
  failure?: Failure
  /** Age of the result in seconds, where it was cached. */
  ageSeconds?: number
  isToolResult?: boolean
}
