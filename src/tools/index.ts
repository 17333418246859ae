import type { Config } from '../config/index.ts'
import type { Tool } from '../plugins/mcp/tool.ts'
import { getDigest } from './get-digest.ts'
import { getMessage } from './get-message.ts'
import { getMessages } from './get-messages.ts'
import { getRoadmapItems } from './get-roadmap-items.ts'
import { getServiceHealth } from './get-service-health.ts'
import { setMessageState } from './set-message-state.ts'

/** Every tool that there is, in the order in which `tools/list` shows them. */
export const tools: readonly Tool[] = [
  getDigest,
  getMessages,
  getMessage,
  getRoadmapItems,
  setMessageState,
  getServiceHealth,
]

/** The tools that a configuration switches on. */
export function toolsFor({ roadmap, writes, serviceHealth }: Config['tools']): readonly Tool[] {
  const switches = new Map<Tool, boolean>([
    [getRoadmapItems, roadmap],
    [setMessageState, writes],
    [getServiceHealth, serviceHealth],
  ])
  return tools.filter((tool) => switches.get(tool) ?? true)
}

/** The tools of a server that is configured as little as it can be. */
export const defaultTools = toolsFor({ roadmap: true, writes: false, serviceHealth: false })
