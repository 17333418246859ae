import type { Detail } from '../message.ts'
import type { Draft } from './story.ts'

/** Graph's `details`, in the order of the post; names may repeat. */
export function detailsOf(draft: Draft): readonly Detail[] {
  return draft.post.details.map((name, index, names) => {
    const isRepeated = names.indexOf(name) < index
    return { name, value: values[name]?.(draft, isRepeated) ?? '' }
  })
}

const values: Readonly<Record<string, (draft: Draft, isRepeated: boolean) => string>> = {
  RoadmapIds: ({ post }) => (post.roadmapIds ?? []).join(', '),
  Platforms: ({ feature }) => platformsOf(feature.platforms).join(', '),
  FeatureStatusJson: rolloutStatus,
  ExternalLink: ({ family }) => family.docs,
  BlogLink: ({ post }) => `https://techcommunity.microsoft.com/blog/${post.id.toLowerCase()}`,
  HelpLink: ({ family }) => `${family.docs}#${encodeURIComponent(family.adminCenter)}`,

  Summary({ feature, post: { stage } }, isRepeated) {
    const opening =
      stage === 'followUp' ? feature.follow?.text : stage === 'announcement' ? feature.lede : feature.glimpse
    const points = feature.points.join(' ')
    return plainText(isRepeated ? points : (opening ?? points))
  },
}

/** The rollout status by roadmap id, JSON in a string. */
function rolloutStatus({ feature, post, start, updated, effective }: Draft): string {
  const isLaunched = post.takesEffect < 0
  const Status = isLaunched ? 'Launched' : post.takesEffect < 30 ? 'InRollout' : 'Scheduled'
  const LatestRing = { Launched: 'StandardRelease', InRollout: 'TargetedRelease', Scheduled: null }[Status]
  // Seven digits of a second, as .NET writes them.
  const LastUpdateTime = new Date(isLaunched ? effective : (updated ?? start)).toISOString().replace('Z', '0000Z')
  const entries = (post.roadmapIds ?? []).map((RoadmapId) => [
    RoadmapId,
    platformsOf(feature.platforms).map((Platform) => ({ RoadmapId, Platform, Status, LastUpdateTime, LatestRing })),
  ])
  return JSON.stringify(Object.fromEntries(entries))
}

function platformsOf(platforms = 'Web'): readonly string[] {
  return platforms.split(', ')
}

function plainText(html: string): string {
  return html
    .replaceAll(/<[^>]+>/g, '')
    .replaceAll('&nbsp;', ' ')
    .replaceAll('&amp;', '&')
}
