import type { Message } from '../message.ts'

export type Stage = 'preview' | 'announcement' | 'reminder' | 'followUp' | 'completion'

/** A post in `stories.json`; its texts are those of its feature. Days are relative to today. */
export interface PlannedPost {
  id: string
  stage: Stage
  /** Without "(Updated)". */
  title: string
  category: Message['category']
  severity: Message['severity']
  tags: readonly string[]
  services: readonly string[]
  isMajorChange: boolean
  /** `-4d 13:05:00`, as is `updated`; see `momentOf`. */
  starts: string
  updated?: string
  /** The day of general availability, or of the retirement. */
  takesEffect: number
  /** The structured act-by date, which few posts have. */
  actBy?: number
  ends: number
  /** Names of its `details`. */
  details: readonly string[]
  roadmapIds?: readonly number[]
  body: BodyStyle
}

/** Variations of authors between posts. */
export interface BodyStyle {
  headings: 'brackets' | 'bold'
  /** The alternative text of a picture; empty where the picture has none. */
  image?: string
  table?: boolean
  noBreakSpaces?: boolean
  /** An earlier date is left in the text, struck out. */
  struckOut?: boolean
  long?: boolean
}

/** A change of a service, from which its posts are generated. */
export interface Feature {
  /** The title after the product's name. */
  name: string
  /** Its number on the Microsoft 365 roadmap. */
  roadmap?: number
  /** Defaults to a new feature. */
  kind?: 'feature' | 'change' | 'retirement' | 'fix' | 'privacy'
  platforms?: string
  /** The opening paragraph of the announcement. */
  lede: string
  /** What changes. */
  points: readonly string[]
  /** Who is affected. */
  audience: string
  /** What an administrator should do first. */
  prepare: readonly string[]
  /** The opening of the earlier notice, or of the reminder where something retires. */
  glimpse?: string
  /** A later post on the same subject. */
  follow?: { name: string; text: string }
  /** Additional HTML: a table, a nested list. */
  extra?: string
  /** Id of the announcement, which may have expired and be missing from `posts`. */
  announcedIn?: string
  posts: readonly PlannedPost[]
}

/** The features of one product. */
export interface Family {
  product: string
  /** URL of its documentation. */
  docs: string
  adminCenter: string
  features: readonly Feature[]
}

/** Everything to generate a post from. Times are epoch milliseconds. */
export interface Draft {
  family: Family
  feature: Feature
  post: PlannedPost
  start: number
  updated: number | null
  effective: number
  /** Midnight of the day that all dates are relative to. */
  today: number
}
