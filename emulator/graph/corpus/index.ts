import type { Message } from '../message.ts'
import { apps } from './apps.ts'
import { writeBody } from './body.ts'
import { dayMs } from './calendar.ts'
import { categories, detailsOf, needsAction, severityOf, tagsOf, titleOf } from './classification.ts'
import { copilot } from './copilot.ts'
import { type Draft, draftsOf } from './drafts.ts'
import { entra } from './entra.ts'
import { exchange, outlook } from './exchange-outlook.ts'
import type { Family, Feature } from './feature.ts'
import { intune, windows } from './intune-windows.ts'
import { planner, powerPlatform, viva } from './power-planner-viva.ts'
import { defender, purview } from './purview-defender.ts'
import { createRandom, type Random } from './random.ts'
import { oneDrive, sharepoint } from './sharepoint-onedrive.ts'
import { teams } from './teams.ts'

const families: readonly Family[] = [
  teams,
  exchange,
  outlook,
  sharepoint,
  oneDrive,
  entra,
  intune,
  windows,
  purview,
  defender,
  copilot,
  powerPlatform,
  planner,
  viva,
  apps,
]

/** Writes the posts of the emulated tenant, oldest first: the same ones at every call. */
export function createCorpus(): readonly Message[] {
  const random = createRandom(20261120)
  const drafts = families
    .flatMap((family) => family.features.flatMap((feature) => draftsOf(family, feature, random)))
    .sort((a, b) => a.start - b.start)

  const announcements = new Map<Feature, string>()
  let number = 1_168_000
  return drafts.map((draft) => {
    number += random.between(31, 640)
    const id = `MC${number}`
    if (draft.stage === 'announcement') announcements.set(draft.feature, id)
    return write(draft, id, announcements.get(draft.feature) ?? null, random)
  })
}

function write(draft: Draft, id: string, announcement: string | null, random: Random): Message {
  const { family, feature, stage, start, updated, effective } = draft
  const kind = feature.kind ?? 'feature'
  return {
    id,
    title: `${updated === null ? '' : '(Updated) '}${titleOf(draft)}`,
    startDateTime: seconds(start),
    endDateTime: seconds(Math.max(start, effective) + random.between(30, 120) * dayMs),
    lastModifiedDateTime: updated === null ? seconds(start) : new Date(updated - random.between(1, 999)).toISOString(),
    category: categories[kind],
    severity: severityOf(draft),
    tags: tagsOf(draft),
    services: feature.services ?? family.services,
    isMajorChange: feature.major === true && stage !== 'completion',
    actionRequiredByDateTime: needsAction(draft) ? `${seconds(effective).slice(0, 10)}T07:00:00Z` : null,
    hasAttachments: feature.extra !== undefined && stage === 'announcement',
    details: detailsOf(draft),
    body: { contentType: 'html', content: writeBody(draft, announcement, random) },
  }
}

/** Graph writes whole seconds without a fraction. */
function seconds(time: number): string {
  return new Date(time).toISOString().replace('.000Z', 'Z')
}
