/** A change that a service makes, as its authors tell it: what the posts about it are written from. */
export interface Feature {
  /** What stands in the title behind the product's name. */
  name: string
  /** Its number on the Microsoft 365 roadmap. */
  roadmap?: number
  /** Defaults to a new feature. */
  kind?: 'feature' | 'change' | 'retirement' | 'fix' | 'privacy'
  major?: true
  /** Defaults to the product's. */
  services?: readonly string[]
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
  /** HTML that only this subject needs: a table, an image, a nested list. */
  extra?: string
}

/** The features of one product. */
export interface Family {
  product: string
  services: readonly string[]
  /** Where its documentation starts. */
  docs: string
  adminCenter: string
  features: readonly Feature[]
}
