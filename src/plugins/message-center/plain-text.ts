/** Makes plain text of text as Graph sends it. */

import { htmlToPlainText } from './html-to-plain-text.ts'

/** Text as Graph sends it: HTML as a rule. */
export interface GraphText {
  readonly contentType: string
  readonly content: string
}

export function isHtml({ contentType }: Pick<GraphText, 'contentType'>): boolean {
  return /^html$/i.test(contentType)
}

/** As plain text; undefined where it cannot be rendered: it is untrusted input, and may break any converter. */
export function plainTextOf(text: GraphText): string | undefined {
  return isHtml(text) ? attempt(() => htmlToPlainText(text.content)) : text.content
}

/** What it makes; undefined where it fails. */
export function attempt<T>(make: () => T): T | undefined {
  try {
    return make()
  } catch {
    return undefined
  }
}
