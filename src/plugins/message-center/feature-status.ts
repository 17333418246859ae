import { type Static, Type } from 'typebox'
import { parseJson } from '../../lib/parse-json.ts'

/** How far a roadmap item's rollout to this tenant is, on one platform. */
export const FeatureStatus = Type.Object({
  roadmapId: Type.String(),
  platform: Type.Optional(Type.String()),
  /** Scheduled, InRollout, Launched or FeatureRolloutStatusNotSupported. */
  status: Type.String(),
  lastUpdateTime: Type.Optional(Type.String()),
  latestRing: Type.Optional(Type.String()),
})
export type FeatureStatus = Static<typeof FeatureStatus>

/** The detail that holds it, as JSON text: by roadmap id, a list of the item's platforms. */
export const featureStatusDetail = 'FeatureStatusJson'

/** What such a text says; undefined where any of it is not as it should be, so that nothing of it is lost. */
export function readFeatureStatus(json: string): FeatureStatus[] | undefined {
  const byRoadmapId = parseJson(json)
  if (typeof byRoadmapId !== 'object' || byRoadmapId === null || Array.isArray(byRoadmapId)) return undefined
  const read: FeatureStatus[] = []
  for (const [roadmapId, entries] of Object.entries(byRoadmapId)) {
    if (!Array.isArray(entries)) return undefined
    for (const entry of entries) {
      const status = toFeatureStatus(roadmapId, entry)
      if (status === undefined) return undefined
      read.push(status)
    }
  }
  return read
}

function toFeatureStatus(roadmapId: string, entry: unknown): FeatureStatus | undefined {
  if (typeof entry !== 'object' || entry === null) return undefined
  const { Platform, Status, LastUpdateTime, LatestRing } = entry as Record<string, unknown>
  if (typeof Status !== 'string') return undefined
  const others = { platform: Platform, lastUpdateTime: LastUpdateTime, latestRing: LatestRing }
  const given = Object.entries(others).filter(([, value]) => value !== null && value !== undefined)
  if (given.some(([, value]) => typeof value !== 'string')) return undefined
  return { roadmapId, status: Status, ...Object.fromEntries(given) }
}
