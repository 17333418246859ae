import type { Detail, Message } from '../message.ts'
import type { Draft } from './drafts.ts'
import type { Feature } from './feature.ts'

export function titleOf({ family, feature, stage }: Draft): string {
  const title = `${family.product}: ${feature.name}`
  switch (stage) {
    case 'announcement':
      return title
    case 'preview':
      return `${title} (preview)`
    case 'reminder':
      return `Reminder: ${title}`
    case 'followUp':
      return `${family.product}: ${feature.follow?.name}`
    case 'completion':
      return `${title} – ${outcomes[feature.kind ?? 'feature']}`
  }
}

const outcomes: Readonly<Record<NonNullable<Feature['kind']>, string>> = {
  feature: 'now available',
  change: 'now in effect',
  retirement: 'completed',
  fix: 'resolved',
  privacy: 'completed',
}

/** A feature informs, a change or retirement is to be planned for, a fix prevents or mends. */
export const categories: Readonly<Record<NonNullable<Feature['kind']>, Message['category']>> = {
  feature: 'stayInformed',
  change: 'planForChange',
  retirement: 'planForChange',
  fix: 'preventOrFixIssue',
  privacy: 'stayInformed',
}

export function severityOf({ feature, stage }: Draft): Message['severity'] {
  if (stage === 'completion') return 'normal'
  if (feature.kind === 'fix') return feature.major === true ? 'critical' : 'high'
  return stage === 'reminder' || (feature.kind === 'retirement' && feature.major === true) ? 'high' : 'normal'
}

export function tagsOf({ feature, stage, updated }: Draft): readonly string[] {
  const kind = feature.kind ?? 'feature'
  const fresh = stage === 'announcement' || stage === 'preview'
  return [
    ...(updated === null ? [] : ['Updated message']),
    ...(kind === 'feature' ? [fresh ? 'New feature' : 'Feature update'] : []),
    ...(kind === 'change' ? ['Feature update'] : []),
    ...(kind === 'retirement' ? ['Retirement'] : []),
    ...(kind === 'privacy' ? ['Data privacy'] : []),
    ...(/^(Users|People|Every|All|Members)/.test(feature.audience) ? ['User impact'] : []),
    'Admin impact',
  ]
}

export function needsAction({ feature, stage }: Draft): boolean {
  if (stage === 'completion' || stage === 'preview') return false
  return feature.kind === 'retirement' || (feature.major === true && feature.kind !== undefined)
}

export function detailsOf({ family, feature, stage }: Draft): readonly Detail[] {
  const summary =
    stage === 'followUp' ? feature.follow?.text : stage === 'announcement' ? feature.lede : feature.glimpse
  return [
    ...(feature.roadmap === undefined ? [] : [{ name: 'RoadmapIds', value: `${feature.roadmap}` }]),
    { name: 'Summary', value: plainText(summary ?? feature.points.join(' ')) },
    ...(feature.platforms === undefined ? [] : [{ name: 'Platforms', value: feature.platforms }]),
    ...(stage === 'followUp' || feature.kind === 'fix' ? [{ name: 'ExternalLink', value: family.docs }] : []),
  ]
}

function plainText(html: string): string {
  return html.replaceAll(/<[^>]+>/g, '')
}
