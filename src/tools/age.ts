/** The argument `fresh` and the results `ageSeconds` and `stale`, of tools that use a cache. */

import { Type } from 'typebox'
import type { Reading } from '../plugins/message-center/snapshots.ts'

/** What every tool takes that answers from memory. */
export const fresh = Type.Optional(
  Type.Boolean({ description: 'Bypass the cache and query Microsoft Graph. Default: false.' }),
)

/** What every such tool returns. */
export const age = {
  ageSeconds: Type.Optional(Type.Integer({ description: 'Cache age; absent on a cache miss.' })),
  stale: Type.Optional(Type.Boolean({ description: 'Microsoft Graph could not be queried: this was read before.' })),
}

export function ageOf({ ageSeconds, stale }: Pick<Reading, 'ageSeconds' | 'stale'>) {
  return { ...(ageSeconds !== undefined && { ageSeconds }), ...(stale && { stale }) }
}
