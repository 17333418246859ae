import type { Digest } from '../../src/plugins/message-center/digest.ts'
import type { Message } from '../../src/plugins/message-center/message.ts'

/** The day that the clock of the view's tests shows. */
export const now = new Date('2026-11-29T12:00:00Z')

export const teams: Message = {
  id: 'MC1000001',
  url: 'https://admin.microsoft.com/#/MessageCenter/:/messages/MC1000001',
  title: 'Microsoft Teams: Classic Teams stops working',
  category: 'planForChange',
  severity: 'high',
  services: ['Microsoft Teams'],
  tags: ['Retirement', 'Admin impact'],
  isMajorChange: true,
  actionRequiredByDateTime: '2026-12-15T07:00:00Z',
  startDateTime: '2026-11-02T08:00:00Z',
  lastModifiedDateTime: '2026-11-27T08:00:00Z',
  summary: 'Move everybody to the new client before the old one stops.',
  roadmapIds: ['478611'],
  viewPoint: { isRead: true },
}

export const outlook: Message = {
  id: 'MC1000002',
  url: 'https://admin.microsoft.com/#/MessageCenter/:/messages/MC1000002',
  title: 'Outlook: Recall shows what happened',
  category: 'stayInformed',
  severity: 'normal',
  services: ['Exchange Online', 'Microsoft 365 suite'],
  tags: ['New feature'],
  isMajorChange: false,
  startDateTime: '2026-11-12T08:00:00Z',
  lastModifiedDateTime: '2026-11-26T08:00:00Z',
  summary: 'A sender sees in which mailboxes a recall succeeded.',
}

export const milestones: Readonly<Record<string, NonNullable<Message['milestones']>>> = {
  [teams.id]: [
    { kind: 'deadline', end: '2026-12-15', endPrecision: 'day', text: 'Move everybody by December 15, 2026' },
    { kind: 'retirement', start: '2027-01-20', startPrecision: 'day', text: 'Classic Teams stops on January 20, 2027' },
  ],
  [outlook.id]: [
    {
      ...{ kind: 'rollout', ring: 'general', cloud: 'worldwide', text: 'We begin in mid-November' },
      ...{ start: '2026-11-11', startPrecision: 'part', end: '2026-12-10', endPrecision: 'part' },
    } as const,
  ],
}

const bodyText = `Updated November 27, 2026: We have revised the date.

[When this will happen:]

Classic Teams stops on January 20, 2027. See message MC1000002 [https://admin.microsoft.com/#/MessageCenter/:/messages/MC1000002].

[What you need to do to prepare:]

 * Update the client.
 * Tell your users.

Learn more: Teams [https://learn.microsoft.com/microsoftteams/].

[Questions and answers:]

Can we go back?
No.

Question | Answer
Is data kept? | Yes.`

/** A message as getMessage reads it. */
export const inFull = (message: Message): Message => ({
  ...message,
  body: { contentType: 'text', content: bodyText },
  milestones: milestones[message.id] ?? [],
})

export const list = { value: [teams, outlook], '@odata.count': 2 }

export const digest: Digest & { readonly ageSeconds: number } = {
  since: '2026-11-22',
  until: '2027-01-28',
  counts: { all: 314, new: 4, updated: 11, major: 6, unread: 10 },
  byService: [
    { name: 'Microsoft Teams', count: 4 },
    { name: 'Exchange Online', count: 1 },
  ],
  byCategory: [{ name: 'planForChange', count: 9 }],
  byTag: [{ name: 'Retirement', count: 6 }],
  due: [{ id: teams.id, title: 'Classic Teams stops working', date: '2026-12-15' }],
  retires: [{ id: 'MC1000003', title: 'iCalendar feeds', date: '2027-01-20', text: 'Feeds end on January 20' }],
  top: [
    {
      id: teams.id,
      title: 'Classic Teams stops working',
      services: ['Microsoft Teams'],
      major: true,
      changed: '2026-11-27',
    },
  ],
  more: '3 more in top',
  ageSeconds: 180,
}
