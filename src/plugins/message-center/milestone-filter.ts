import type { Body } from './body.ts'
import type { Milestone } from './milestones/index.ts'
import type { Post } from './post.ts'

/** Which milestones are meant: all that is given has to be true of the same one. */
export interface MilestoneFilter extends Window, Audience {
  readonly kind: Milestone['kind'] | undefined
}

/** Whom a milestone reaches. */
export interface Audience {
  readonly ring?: Milestone['ring'] | undefined
  readonly cloud?: Milestone['cloud'] | undefined
}

/** From the first moment on, and before the second, in milliseconds since the epoch. */
export interface Window {
  readonly fromMs: number
  readonly untilMs: number
}

type Dated = Pick<Milestone, 'kind' | 'ring' | 'cloud' | 'start' | 'end'>

/** A milestone that begins, ends or goes on in the window. What its text does not say, it is not. */
export function passesFilter({ kind, ring, cloud, start, end }: Dated, filter: MilestoneFilter): boolean {
  const [from, until] = [start ?? end, end ?? start]
  return (
    (filter.kind ?? kind) === kind &&
    (filter.ring ?? ring) === ring &&
    (filter.cloud ?? cloud) === cloud &&
    Date.parse(from ?? '') < filter.untilMs &&
    Date.parse(until ?? '') >= filter.fromMs
  )
}

/** Whether a post has such a milestone. */
export function hasMilestone(post: Post, body: Body | undefined, filter: MilestoneFilter): boolean {
  return datesOf(post, body).some((date) => passesFilter(date, filter))
}

/** When the first of such milestones of a post begins, or ends where it has begun; infinite where it has none. */
export function firstDateMs(post: Post, body: Body | undefined, filter: MilestoneFilter): number {
  const days = datesOf(post, body)
    .filter((date) => passesFilter(date, filter))
    .flatMap(({ start, end }) => [start, end].map((day) => Date.parse(day ?? '')))
  return Math.min(...days.filter((ms) => ms >= filter.fromMs))
}

/** Graph's act-by date is a deadline that says nothing of rings and clouds. */
function datesOf({ actionMs }: Post, body: Body | undefined): Dated[] {
  const isDated = !Number.isNaN(actionMs)
  const actBy: Dated[] = isDated ? [{ kind: 'deadline', end: new Date(actionMs).toISOString() }] : []
  return [...actBy, ...(body?.dates.milestones ?? [])]
}

/** The milestones of a text in a window, of whom they reach. */
export function milestonesWithin(body: Body | undefined, window: Window & Audience): Milestone[] {
  const filter = { kind: undefined, ...window }
  return (body?.dates.milestones ?? []).filter((milestone) => passesFilter(milestone, filter))
}
