import type { Family } from './feature.ts'

export const teams: Family = {
  product: 'Microsoft Teams',
  services: ['Microsoft Teams'],
  docs: 'https://learn.microsoft.com/microsoftteams/',
  adminCenter: 'Teams admin center',
  features: [
    {
      name: 'Chapters and skip-ahead in meeting recordings',
      roadmap: 481204,
      platforms: 'Windows, Mac, Web',
      lede: 'Recordings of meetings will be divided into chapters wherever the subject changes or a new presenter starts, so that somebody who missed the call can go straight to the ten minutes that concern them.',
      points: [
        'The player shows a chapter strip below the timeline; each chapter carries a title that the organizer can edit.',
        'Links to a chapter can be copied and open the recording at that moment.',
        'Chapters follow the permissions of the recording and are removed with it.',
      ],
      audience: 'Everyone who opens a recording of a meeting that was held with transcription on.',
      prepare: [
        'Check that the meeting policy setting <b>Transcription</b> is on for the people who should get chapters.',
        'Tell organizers that titles are generated and should be read once before a recording is shared widely.',
      ],
      glimpse: 'Long recordings are hard to search by ear. We are about to divide them into titled chapters.',
      follow: {
        name: 'Chapter titles now follow the spoken language',
        text: 'Chapter titles were written in the language of the organizer’s client. They are now written in the language that was spoken for most of the chapter, and a recording in which two languages alternate gets titles in each.',
      },
    },
    {
      name: 'Quiet hours for shared channels across organizations',
      roadmap: 482317,
      platforms: 'iOS, Android, Desktop',
      lede: 'Members of a shared channel often work in different time zones. Quiet hours let each person decide when activity from a partner organization may notify them, without muting the channel for the rest of the day.',
      points: [
        'Quiet hours are set per channel, in the time zone of the reader.',
        'Mentions of a person by name can be let through; mentions of the channel are held.',
        'Held notifications arrive as one summary when the quiet hours end.',
      ],
      audience: 'People who are members of at least one shared channel owned by another organization.',
      prepare: [
        'No action is needed. If you manage notification defaults by policy, review them so that the new default (off) is what you want.',
        'Update your guidance for partner projects.',
      ],
      follow: {
        name: 'Quiet hours: administrators can set a default',
        text: 'Many of you asked to set quiet hours centrally for frontline staff. A new parameter of the messaging policy gives a default start and end, which people can still change for themselves.',
      },
      glimpse: 'Notifications at three in the morning have been the loudest complaint about shared channels.',
    },
    {
      name: 'Retirement of the classic Wiki export tool',
      kind: 'retirement',
      major: true,
      lede: 'Wiki tabs have been read-only for some time. The export tool that moves their pages to OneNote will be switched off, and wikis that have not been exported will no longer be readable in Teams.',
      points: [
        'The <b>Export to notebook</b> banner disappears from wiki tabs.',
        'The tab itself is removed from channels two weeks later.',
        'The underlying .mht files stay in the SharePoint library of the team and can be downloaded there.',
      ],
      audience: 'Teams created before 2023 that still have a Wiki tab.',
      prepare: [
        'Run the inventory script in the documentation to list channels with unexported wikis.',
        'Ask the owners to export what they still need.',
        'Change any onboarding page that points at a wiki.',
      ],
      glimpse: 'Wikis that have not been exported by the date below can no longer be opened in Teams.',
      follow: {
        name: 'Classic Wiki export: extra time for education tenants',
        text: 'Term dates in the southern hemisphere made the first date difficult. Education tenants now have six more weeks, and everybody else has the date that was announced.',
      },
    },
    {
      name: 'Panels announce who is next in a meeting room',
      roadmap: 483950,
      platforms: 'Teams and Surface Devices',
      services: ['Microsoft Teams', 'Microsoft 365 suite'],
      lede: 'Panels mounted outside a meeting room will show, five minutes before the end of a booking, which meeting follows and whether its organizer has checked in, so that people in the room know whether they may overrun.',
      points: [
        'The panel’s light turns amber when somebody is waiting.',
        'The organizer of the running meeting may extend by fifteen minutes only where the room is free.',
        'Names can be hidden; the panel then shows “Next booking” without a subject.',
      ],
      audience: 'Rooms with a Teams panel on app version 1449/1.0.97 or later and a Teams Rooms Pro licence.',
      prepare: [
        'Decide whether organizers’ names may be shown in public corridors, and set <b>Hide meeting names</b> accordingly.',
        'Let facilities staff know what the amber light means.',
      ],
      glimpse: 'Amber lights are coming to the corridor: panels will soon warn a room that somebody is waiting.',
      follow: {
        name: 'Panels: amber warning can be shortened',
        text: 'Five minutes of amber proved too long for rooms that are booked in quarter hours. The warning can now be set between one and five minutes for each device profile.',
      },
    },
    {
      name: 'Town hall presenters can rehearse with live captions',
      roadmap: 480022,
      platforms: 'Windows, Mac',
      lede: 'The green room of a town hall will offer a rehearsal mode: presenters hear one another, see the slides that attendees will see, and get captions of what they say, while nothing is sent to the audience or kept.',
      points: [
        'Rehearsals are limited to sixty minutes and are not recorded.',
        'Captions in rehearsal do not count towards the translated-caption quota.',
        'A producer can promote the rehearsal to the live event with one click.',
      ],
      audience: 'Organizers and presenters of town halls; attendees notice nothing.',
      prepare: ['Review your event runbooks: the technical check can move from a separate meeting to the green room.'],
      follow: {
        name: 'Town hall rehearsals: co-organizers may start them',
        text: 'Until now only the organizer could open a rehearsal. Co-organizers can do so too, which helps when the organizer is an assistant who is not on the call.',
      },
    },
    {
      name: 'Call queues report abandoned calls by reason',
      roadmap: 484411,
      services: ['Microsoft Teams'],
      platforms: 'Web',
      lede: 'The queues app will tell supervisors why callers left: because they hung up while music played, because the queue was full, because no agent was signed in, or because the transfer failed.',
      points: [
        'Four new columns in the historical report, with the older total kept as their sum.',
        'The same figures are exposed to Power BI through version 3 of the template.',
        'Data older than the rollout cannot be broken down.',
      ],
      audience: 'Supervisors of call queues and administrators who build reports on Teams Phone data.',
      prepare: [
        'If you read the report by script, make sure that additional columns do not break it.',
        'Download the new Power BI template when your tenant has the change.',
      ],
      glimpse: 'A call that ends unanswered has a cause, and supervisors will soon be able to read it.',
      extra:
        '<table><thead><tr><th>Column</th><th>Counts callers who …</th></tr></thead><tbody><tr><td>AbandonedWaiting</td><td>hung up while waiting</td></tr><tr><td>AbandonedFull</td><td>met a full queue</td></tr><tr><td>AbandonedNoAgent</td><td>called while nobody was signed in</td></tr><tr><td>AbandonedTransfer</td><td>were lost in a transfer</td></tr></tbody></table>',
    },
    {
      name: 'Emoji 17 and skin tones for reactions 🎉',
      roadmap: 485006,
      platforms: 'Desktop, Web, iOS, Android',
      lede: 'The emoji picker gains this year’s new characters, and reactions to messages will remember a skin tone for each person 👍🏽 rather than for each device.',
      points: [
        'Eight new characters, among them a fingerprint and a root vegetable 🫜.',
        'Older clients show a placeholder (▯) until they are updated.',
        'Custom emoji uploaded by your organization are untouched.',
      ],
      audience: 'All users of chats and channels.',
      prepare: ['No action is required. You may wish to tell your help desk about the placeholder.'],
      glimpse: 'Small, but asked for 4,700 times: a reaction that keeps its skin tone wherever you sign in 🙌🏿.',
      follow: {
        name: 'Custom emoji can be retired by administrators',
        text: 'Since reactions now follow people between devices, an unwanted custom emoji does too. Administrators can retire one: it stays readable in old messages and vanishes from the picker.',
      },
    },
    {
      name: 'Guests must accept the meeting notice before joining',
      kind: 'change',
      major: true,
      roadmap: 482880,
      lede: 'Where an organizer shows a meeting notice, people who join without an account will have to accept it before they reach the lobby. Until now the notice was shown to them but could be dismissed.',
      points: [
        'The acceptance is written to the attendance report with its time.',
        'A guest who declines is told how to reach the organizer.',
        'Dial-in participants hear the notice and press 1.',
      ],
      audience: 'Anonymous participants in meetings that have a notice; nobody else.',
      prepare: [
        'Read the text of your notices again: it is now a condition rather than a hint.',
        'If you must keep the old behaviour for a while, set <b>RequireNoticeAcceptance</b> to <i>False</i> in the meeting policy.',
      ],
      glimpse:
        'A notice that can be waved away is not much of a notice. We plan to make acceptance a condition of joining.',
      follow: {
        name: 'Meeting notice: acceptance kept for 180 days',
        text: 'Legal teams asked how long acceptances are kept. They now stay in the attendance report for 180 days, or as long as your retention policy says where that is longer.',
      },
    },
    {
      name: 'Shifts: swap requests across locations',
      roadmap: 479815,
      platforms: 'iOS, Android, Web',
      lede: 'Frontline workers will be able to offer a shift to colleagues at another location, provided that both schedules belong to the same labour group and both managers approve.',
      points: [
        'Only shifts with the same role are offered.',
        'Overtime warnings count hours at all locations.',
        'Each manager sees the effect on their own coverage only.',
      ],
      audience: 'Organizations that use Shifts with more than one schedule group.',
      prepare: [
        'Define labour groups in the frontline deployment page; without one nothing changes.',
        'Agree with your works council, where you have one, on how far swaps may reach.',
      ],
      glimpse: 'Two shops, one pool of people: Shifts is learning to swap across locations.',
    },
    {
      name: 'Incoming federation from trial tenants blocked by default',
      kind: 'change',
      major: true,
      lede: 'Tenants that hold only trial licences are a common start of social engineering over chat. Messages and calls from them will be refused unless you decide otherwise.',
      points: [
        'The setting <b>ExternalAccessWithTrialTenants</b> moves from <i>Allowed</i> to <i>Blocked</i>.',
        'Existing conversations become read-only.',
        'Users see why a person cannot be reached; there is no request to your help desk.',
      ],
      audience: 'People who chat with partners during that partner’s trial of Microsoft 365.',
      prepare: [
        'List your allowed domains: trial tenants on that list stay reachable.',
        'Tell sales and partner teams.',
      ],
      follow: {
        name: 'Trial tenant block: report of refused conversations',
        text: 'To see what the block does, open the new <b>Refused external access</b> report. It names the sending domain and the number of people concerned, but no content.',
      },
      glimpse: 'Nine in ten abusive external chats that we examined came from tenants less than a month old.',
    },
    {
      name: 'Live translation of channel announcements',
      roadmap: 486123,
      platforms: 'Desktop, Web',
      lede: 'Announcement posts can be published in up to six languages at once. The author writes one and reviews the others side by side before anything is sent.',
      points: [
        'Readers get the language of their client and can switch to the original.',
        'Edits to the original mark the translations as out of date.',
        'Example: <q>明日のメンテナンスは中止になりました。</q> is shown to a reader in Lyon as <q>La maintenance prévue demain est annulée.</q>',
      ],
      audience: 'Owners and members of channels in which people read different languages.',
      prepare: ['Consider a style sheet for product names that must never be translated; it can be attached per team.'],
      glimpse: 'One post, six languages, and a human who reads them all first.',
      follow: {
        name: 'Announcement translation adds Čeština, Ελληνικά and 한국어',
        text: 'Three more languages can be chosen for announcements. Right-to-left languages are being tested with a small number of tenants and will follow.',
      },
    },
    {
      name: 'Fix for duplicate presence after device handover',
      kind: 'fix',
      lede: 'People who moved a call from a desk phone to a laptop may have been shown as <i>In a call</i> for up to an hour after it ended. The cause was a presence record that was not closed by the first device.',
      points: [
        'Firmware 1449.2026.1 and the desktop client of the same month close the record themselves.',
        'The service removes records that are older than ten minutes and have no call.',
      ],
      audience: 'Users of certified desk phones with call handover.',
      prepare: [
        'Let phones take the firmware update; devices with automatic updates on will have it within two maintenance windows.',
        'Where presence is copied to another system, run that synchronization once afterwards.',
      ],
      follow: {
        name: 'Duplicate presence: remaining handsets',
        text: 'Two handset models were left out of the first firmware because of their memory. Their update is now published; no other model is affected.',
      },
    },
    {
      name: 'Inline polls in chat without the Polls app',
      roadmap: 487540,
      platforms: 'Desktop, Web, iOS, Android',
      lede: 'A question with two to five answers can be asked straight from the compose box. The vote lives in the message, so that quick decisions no longer need an app to be installed.',
      points: [
        'Votes are named by default; the author may hide names before the first vote.',
        'A poll closes after seven days or when its author says so.',
        'Results are part of the message in eDiscovery.',
      ],
      audience: 'All users whose messaging policy allows inline polls (on by default).',
      prepare: [
        'If votes on certain subjects must not be held in chat, turn the policy off for those groups.',
        'The Polls app stays; decide which of the two you recommend.',
      ],
      glimpse: '“Tuesday or Thursday?” deserves less than an app.',
      follow: {
        name: 'Inline polls: anonymous votes and eDiscovery',
        text: 'Anonymous polls keep no names anywhere, and eDiscovery shows their totals only. We have written down exactly what is stored, because many of you asked before turning them on.',
      },
    },
    {
      name: 'Voice profile enrolment moves to the admin-approved flow',
      kind: 'privacy',
      roadmap: 488002,
      lede: 'Voice profiles, which let the service tell speakers in one room apart, will be created only after an administrator has approved the purpose. Profiles made by users on their own before that date are kept unused until they are approved or deleted.',
      points: [
        'A profile that is not approved within 90 days is deleted.',
        'Each person can see and delete their own profile at any time.',
        'Profiles are stored in the region of the tenant and encrypted with its key.',
      ],
      audience: 'People who enrolled their voice in Teams settings.',
      prepare: [
        'Decide with your data protection officer whether voice profiles are needed, and for whom.',
        'Record the decision in the <b>Biometric purposes</b> page.',
      ],
      glimpse: 'What was a personal choice becomes a decision of the organization: enrolment of voices.',
      follow: {
        name: 'Voice profiles: deletion of unapproved profiles has started',
        text: 'The ninety days for approval are over in the first regions. Deleted profiles cannot be restored; people who want one again enrol afresh, which takes about a minute.',
      },
    },
  ],
}
