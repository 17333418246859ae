/**
 * The words by which posts say what a date means, by table. A new wording is a new entry of its list. Posts are untrusted:
 * what matches anything (`[^.;]`) has a bound, so that each pattern costs linear time.
 */

import type { Milestone } from './milestone.ts'

function anyOf(list: string, { from = '' } = {}): RegExp {
  return new RegExp(String.raw`${from}\b(?:${list.trim().replace(/\s*\n\s*/g, '|')})\b`, 'i')
}
/** As it stands in "mid-May" or "roll-out": a blank, a hyphen, a dash. */
const hyphen = String.raw`[\s\u2010-\u2014-]`

export type Section = 'timeline' | 'body' | 'skipped'

/** How a heading begins, without its bracket. */
export const headings: readonly [Section, RegExp][] = [
  ['timeline', /^when (?:this will|will this) (?:happen|occur|begin|start|take effect|affect your organization)/i],
  ['timeline', /^(?:updated )?(?:roll-?out|release|deployment|retirement) (?:schedule|timeline|timing|dates)/i],
  ['timeline', /^(?:timeline|key dates|important dates)\b|^schedule\W*$/i],
  ['skipped', /^examples?(?=\W*$|:)/i],
  [
    'body',
    /^what (?:(?:do |actions? |should )?(?:you|i|we|admins?)|to do|actions?|will happen|is changing|and why)\b/i,
  ],
  ['body', /^(?:actions? (?:required|needed)|recommended actions?|next steps|what.s changing)\b/i],
  ['body', /^(?:how (?:this|does this|will this)|who (?:is|will be) affected|introduction|summary|impact on)\b/i],
]
/** The end of a paragraph that a timeline follows. */
export const introducesTimeline = /\b(?:timeline|schedule)\b[^.:]{0,30}:$/i

/** The last column holds for labels only: in a sentence, a preview may be what one does with a file. */
export const rings: readonly [NonNullable<Milestone['ring']>, RegExp, inLabel?: RegExp][] = [
  ['targeted', anyOf('targeted release')],
  ['preview', anyOf('(?:public|private|limited|in) preview(?! features?)|frontier'), anyOf('preview')],
  ['general', anyOf('general availability|generally available|GA|standard release')],
]

/** Clouds beyond the four are undefined: a milestone of theirs must not pass for one of another cloud. */
export const clouds: readonly [Milestone['cloud'] | undefined, RegExp][] = [
  ['worldwide', /\b[Ww]orldwide\b|\bProduction\b/],
  ['gcc', anyOf(`GCC(?!${hyphen}?H(?:igh)?\\b)`)],
  ['gccHigh', anyOf(`GCC${hyphen}?H(?:igh)?`)],
  ['dod', anyOf('DoD')],
  [undefined, anyOf('gallatin|21vianet|ussec|usnat|(?:restricted|sovereign|air-?gapped) clouds?')],
]
/** What a sentence says of others than those who get it then. */
export const exceptions =
  /\b(?:except|excluding|other than|not)\b[^.;]{0,80}|\bnow (?:to|in|for)\b[^.;,]{0,40}(?= and\b)/gi

/** Something stops. */
export const retires = anyOf(String.raw`
  retire|retires|retired|retiring|deprecat\w*|discontinu\w*|decommission\w*|sunset\w*|phas(?:e|ed|ing) out
  (?:retirement|removal)s?(?=[^.;]{0,60}(?:\b(?:will|begin|start|complete|take|date|is|occur|enforce|moved|postponed|extended)|:))
  end of (?:support|life|service)|last day|remain in place|no longer|unable to|not be able to|cannot be
  remove|removes|removed|removing|blocked|disabled(?! by default)|turned off|shut(?:s|ting)? ?down|permanently deleted
  will (?:fail|stop|end|expire|cease)|stop(?:s|ped)? (?:working|functioning|generating|supporting)
  expires?|unavailable|inaccessible|support\b[^.;]{0,60}\bend(?:s|ed|ing)?`)

/** The post is about something that stops. */
export const isRetiring = anyOf(String.raw`
  retir\w*|deprecat\w*|discontinu\w*|end of (?:support|life|service)|will be (?:removed|shut down)
  no longer (?:support|be|work|function|accept)\w*`)

/** The way in which changes come to tenants, retirements too. */
export const rolling = anyOf(`roll(?:s|ed|ing)?${hyphen}?(?:(?:this|these|it) )?out`)

/** Something becomes available, or a restriction reaches tenants. */
export const rollsOut = anyOf(String.raw`
  roll(?:s|ed|ing)?${hyphen}?(?:(?:this|these|it) )?out|rolling in|available|availability|preview|testflight|light up
  introduce|introduced|introducing|released?|launch\w*|deploy(?:ed|ment|ing)?|enforc(?:es?|ed|ing|ement)`)

/** The organization is asked to have done something. */
export const obliges = anyOf(`
  must|requires?|required|should|needs? to|have to|ensure|make sure|please|advised?|encouraged?|deadline|action|you can
  recommends?|(?:is|are) recommended|recommended (?:to|that)`)
export const noObligation =
  /\bno (?:admin(?:istrator)? |user |further )?actions? (?:is |are )?(?:required|needed|necessary)\b/gi

/** An imperative at the beginning of a sentence. */
export const commands = anyOf(
  `
  add|adjust|allow|apply|assess|assign|audit|back up|change|check|communicate|complete|configure|confirm|contact|create
  decide|delete|deploy|determine|disable|download|enable|encourage|ensure|evaluate|export|follow|identify|inform|install
  inventory|make|migrate|modify|move|notify|opt (?:in|out)|plan|prepare|provide|purchase|redirect|register|remind|remove
  rename|renew|replace|request|resolve|review|save|select|set|sign|start|stop|submit|switch|take|test|train|transition
  turn|update|upgrade|use|validate|verify`,
  { from: String.raw`^\W*(?:please |then |optionally,? )?` },
)

/** What happens by itself: no obligation, though one may stand before it. */
export const happens = /\bwill (?!need|have to|be required|be asked)[^.;]{0,120}$/i

/** What stands before a date, to its very end. */
export const before = {
  /** A time by which it must be over. */
  limit: /\b(?:by|before|no later than|not later than|prior to|ahead of|in advance of)(?: the| or on)?\s*$/i,
  strictly: /\b(?:before|prior to|ahead of|in advance of)(?: the)?\s*$/i,
  lastDay: /\b(?:until|through|thru|up to)(?: at least)?(?: the)?\s*$/i,
  /** What can be put off until then has to be done by then. */
  putOff: /\b(?:have|(?:delay|postpone|defer|opt out|put off)\b[^.;]{0,60}) (?:until|through|as late as)(?: the)?\s*$/i,
  /** The second date of a range. */
  range: /^[\s,;)]*(?:to|through|thru|until|[\u2010-\u2015-])(?: the)?\s*$/i,
  rangeAnd: /^[\s,)]*and(?: the)?\s*$/i,
  between: /\bbetween(?: the)?\s*$/i,
  begins: anyOf(String.raw`begin\w*|began|start\w*|commenc\w*`),
  completes:
    /\b(?:complet\w*|finish\w*|conclud\w*|out fully|fully (?:rolled|available)|full (?:availability|retirement))\b[^.;]{0,60}$|^\W*ends?\W*$/i,
  /** Said of a second date, an end as well. */
  ends: /\b(?:ends|ending|end(?! of))\b[^.;]{0,60}$|\bcontinu(?:e|es|ing)\b[^.;]{0,40}\b(?:through|until)\s*$/i,
  /** Another date took its place. */
  superseded: /\b(?:previously|formerly|originally|instead of|rather than)(?:\s+(?!may|might|will|can)\w+){0,4}\s*$/i,
  /** The next date took its place. */
  movedFrom: /\b(?:moved|changed|postponed|extended|delayed|shifted|pushed)\b[^.;]{0,80}\bfrom\s*$/i,
  /** Not a date that can be read: "the week of", "early to mid". */
  vague:
    /\b(?:week of|weeks? (?:of|after|before)|(?:early|mid|late)(?:[\s\u2010-\u2014-]to| or|\/)[\s\u2010-\u2014-]?)\s?$/i,
} as const

/** The date is of something else. */
export const ofSomethingElse = {
  history: new RegExp(
    anyOf('announced|introduced|communicated|published|released|documented|was|were|had|has been|have been').source +
      String.raw`[^,;:]{0,40}(?:\b(?:in|on|since|from|as of|during)|\()\s*$|` +
      String.raw`\b(?:published|updated|posted|since)\s*$|\bwould\b[^,;:]{0,60}$`,
    'i',
  ),
  /** "Created before May" */
  condition: new RegExp(
    anyOf('unlicensed|created|modified|scheduled|purchased|enrolled|registered|issued|dated|updated').source +
      String.raw`[^,;:]{0,30}\b(?:before|after|on|past|beyond|prior to|since)\s*$|\bpast\s*$`,
    'i',
  ),
  /** What happens if something was not done by then is an event that is said elsewhere. */
  warning: /\b(?:if|unless)\b[^.;,]{0,150}(?:\bnot\b|\bno\b|n['’]t\b)[^.;,]{0,100}\b(?:by|before)(?: the)?\s*$/i,
}
export const behindDateOfSomethingElse = {
  /** "the May rollout" */
  name: /^(?: service)? (?:rollout|release|blog|update|edition|version|baseline|post|announcement)\b/i,
  /** "May 4: We have corrected …" */
  history: /^\s*[:\u2010-\u2014-]\s*(?:we have|we've|there was|there were)\b/i,
}
/** "As of May, all data has been moved." */
export const sinceThen = { before: /\bas of\s*$/i, behind: /^,?[^.;,]{0,60}\b(?:has|have) (?:already )?been\b/i }

/** An entry that opens with its date. */
export const dateFirst =
  /^\W{0,3}(?:(?:starting|beginning|by|on|from|in|as of|effective|after)\s+)?(?:on\s+)?(?:early|mid|late|end of)?\W?(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.?[^A-Za-z:]{0,12}:/i
/** What such an entry says. */
export const completion = /^[^:]{0,60}:[^.;]{0,60}\b(?:complete[sd]?|completion|finish(?:es|ed)?)\b/i
export const byThisDate = anyOf('by (?:this|that) date')

/** Something changes at a date: the clause opens with it, says so, or leads to it. */
export const changes = {
  inClause: /^\W*(?:in|on|from|as of|after)\b|\b(?:starting|beginning|effective|begins?|starts?)\b/i,
  beforeDate: /\bwill\b[^.;]{0,80}\b(?:in|on|by)\s*$/i,
}
export const startsChange = /^\W*(?:starting|beginning|effective)\b/i
/** The change that the post is about, without its name; a bare date. */
export const thisChange = /^\W*(?:this|these|the|both) (?:changes?|updates?)\b|^[^A-Za-z]*[A-Za-z]{3,9}[^A-Za-z]*$/i

/** A sentence that says nothing of this change: examples, conditions, hopes, documentation to come. */
export const besides = [
  /^\W*(?:for example|example|if|when|unless)\b/i,
  anyOf('aims?|hopes?|targeting|should not|we will (?:announce|communicate|share|publish)'),
  anyOf("documentation|guidance|article|blog|training|support page|microsoft (?:learn|support)|what's new"),
]

const change = '(?:change|rollout|feature|update|release|retirement)'
/** The change does not come. */
export const cancelled = anyOf(`
  (?:decided|decision) not to (?:move forward|proceed|continue|roll ?out)
  not (?:be )?(?:moving|proceeding) (?:forward )?with (?:this|the) ${change}
  ${change} (?:has been|is|was) cancell?ed|cancell?ed (?:this|the) ${change}`)
