import { type Static, Type } from 'typebox'

const plain = { type: 'string' } as const
const day = (description: string) => Type.Optional(Type.String({ description }))
/** How a day is written: itself, a part (early, mid, late) of a month, or a month. */
const precision = Type.Optional(Type.Enum(['day', 'part', 'month'], plain))

/**
 * A date that the text of a post says something about, with what happens then. A rollout: something becomes available or
 * is enforced; a retirement: something stops; a deadline: the organization must have acted; other: another dated change.
 * A ring or cloud that is absent is not said, or another one than these.
 */
export const Milestone = Type.Object({
  kind: Type.Enum(['rollout', 'retirement', 'deadline', 'other'], plain),
  ring: Type.Optional(Type.Enum(['targeted', 'preview', 'general'], plain)),
  cloud: Type.Optional(Type.Enum(['worldwide', 'gcc', 'gccHigh', 'dod'], plain)),
  start: day('YYYY-MM-DD: first day'),
  end: day('YYYY-MM-DD: last day; of a deadline, the day by which to act'),
  startPrecision: precision,
  endPrecision: precision,
  previous: Type.Optional(Type.String({ description: 'Superseded dates as written' })),
  previousOf: Type.Optional(Type.Enum(['start', 'end', 'both'], plain)),
  text: Type.String({ description: 'The sentence that says it' }),
})
export type Milestone = Static<typeof Milestone>
