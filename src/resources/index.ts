import type { Resource, View } from '../plugins/mcp/resource.ts'
import { message } from './message.ts'
import { view } from './view.ts'

/** Every resource of this server. */
export const resources: readonly Resource[] = [message]

/** Every view of tool results. */
export const views: readonly View[] = [view]
