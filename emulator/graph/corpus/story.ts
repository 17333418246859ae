import type { Message } from '../message.ts'

export type Stage = 'preview' | 'announcement' | 'reminder' | 'followUp' | 'completion'

/** What is written down of one post in `stories.json`; the texts are its feature's. Days count from today. */
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
  /** The day on which the change reaches everyone, or the retired thing stops. */
  takesEffect: number
  /** The structured act-by date, which few posts have. */
  actBy?: number
  ends: number
  /** Names of what it has in `details`. */
  details: readonly string[]
  roadmapIds?: readonly number[]
  body: BodyStyle
}

/** What authors do differently from post to post. */
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

/** A change that a service makes, as its authors tell it: what the posts about it are written from. */
export interface Feature {
  /** What stands in the title behind the product's name. */
  name: string
  /** Its number on the Microsoft 365 roadmap. */
  roadmap?: number
  /** Defaults to a new feature. */
  kind?: 'feature' | 'change' | 'retirement' | 'fix' | 'privacy'
  platforms?: string
  /** The opening paragraph of the announcement. */
  lede: string
  /** What is different afterwards. */
  points: readonly string[]
  /** Who notices. */
  audience: string
  /** What an administrator should do first. */
  prepare: readonly string[]
  /** The opening of the earlier notice, or of the reminder where something retires. */
  glimpse?: string
  /** A later post on the same subject. */
  follow?: { name: string; text: string }
  /** HTML that only this subject needs: a table, a nested list. */
  extra?: string
  /** The post that announced it, which may have expired since and be none of `posts`. */
  announcedIn?: string
  posts: readonly PlannedPost[]
}

/** The features of one product. */
export interface Family {
  product: string
  /** Where its documentation starts. */
  docs: string
  adminCenter: string
  features: readonly Feature[]
}

/** One post, and all that it is written from. Times are milliseconds since the epoch. */
export interface Draft {
  family: Family
  feature: Feature
  post: PlannedPost
  start: number
  updated: number | null
  effective: number
}
