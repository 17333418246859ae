import type { Tool } from '../plugins/mcp/tool.ts'
import { getMessage } from './get-message.ts'
import { getMessages } from './get-messages.ts'

/** Every tool of this server, in the order in which `tools/list` shows them. */
export const tools: readonly Tool[] = [getMessages, getMessage]
