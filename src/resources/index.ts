import type { Resource } from '../plugins/mcp/prompt.ts'
import { message } from './message.ts'

/** Every resource of this server. */
export const resources: readonly Resource[] = [message]
