import { anchor, dayMs, windowDays } from './calendar.ts'
import type { Family, Feature } from './feature.ts'
import type { Random } from './random.ts'

export type Stage = 'preview' | 'announcement' | 'reminder' | 'followUp' | 'completion'

/** One post before it is written: which part of a feature's story it tells, and when. */
export interface Draft {
  family: Family
  feature: Feature
  stage: Stage
  /** Milliseconds since the epoch, as are the others. */
  start: number
  updated: number | null
  /** When the change reaches everyone, or the retired thing stops. */
  effective: number
}

/** The story of one feature, as far as it has been told by the anchor date. */
export function draftsOf(family: Family, feature: Feature, random: Random): readonly Draft[] {
  const retires = feature.kind === 'retirement'
  const lead = random.between(40, 110)
  const lag = random.between(50, 130)
  // One story in five has only just begun.
  const announced = random.chance(0.2) ? windowDays - random.between(1, 50) : random.between(lead, windowDays - lag)
  const effective = announced + (retires ? lag + random.between(15, 40) : random.between(30, 90))
  const completed = effective + random.between(15, 35)

  const days: Partial<Record<Stage, number>> = { announcement: announced }
  if (feature.glimpse !== undefined && retires) days.reminder = announced + lag
  if (feature.glimpse !== undefined && !retires) days.preview = announced - lead
  if (feature.follow !== undefined) days.followUp = announced + lag
  if (feature.follow === undefined || random.chance(0.5)) days.completion = completed

  return (Object.entries(days) as [Stage, number][])
    .filter(([, day]) => day <= windowDays)
    .map(([stage, day]) => {
      const start = anchor + (day - windowDays) * dayMs - random.between(0, dayMs / 1000 - 1) * 1000
      const updated = random.chance(0.3) ? Math.min(anchor, start + random.between(4, 45) * dayMs) : null
      return { family, feature, stage, start, updated, effective: anchor + (effective - windowDays) * dayMs }
    })
}
