import type { Feature } from './feature.ts'

/** What an updated post says first. */
export const updates = [
  'We have updated the rollout timeline below. Thank you for your patience.',
  'We have revised the dates below after feedback from the first tenants.',
  'We have added a section on licensing. The rest of this message is unchanged.',
  'We have corrected the name of a policy in the preparation section.',
  'We have decided to extend the time before this change reaches all tenants. The dates below are current.',
  'We have clarified who is affected by this change, since several of you asked.',
  'This change has reached the government clouds earlier than planned. We have adjusted the timeline.',
  'We have added a link to new documentation.',
  'Rollout was paused for two weeks to mend an issue with older clients, and has resumed.',
  'We have reworded this message to answer questions that reached us by the feedback form.',
] as const satisfies readonly string[]

export const thanksForPreview = [
  'Tenants in Targeted Release will see this first.',
  'This is an early notice; details may change before general availability.',
  'We share this ahead of time so that you can plan your pilots.',
  'A fuller message will follow once dates for all clouds are known.',
  'If you would like to try it sooner, put a few people in Targeted Release.',
] as const satisfies readonly string[]

export const defaults: Readonly<Record<NonNullable<Feature['kind']>, readonly [string, ...string[]]>> = {
  feature: [
    'This feature will be on by default.',
    'This feature is available by default to eligible users; administrators can turn it off.',
    'There is no change to existing content until somebody uses the feature.',
    'The feature is delivered without a change to licensing.',
  ],
  change: [
    'This change applies to every tenant and cannot be postponed.',
    'The change takes effect without any action on your side.',
    'You can prepare at any time before the change reaches your tenant.',
    'Where you have set a value of your own, it is respected.',
  ],
  retirement: [
    'After this date the feature is no longer available, and support requests about it cannot be accepted.',
    'There is no extension beyond this date.',
    'Data that is not covered by the options below should be exported in time.',
  ],
  fix: [
    'We are sorry for the trouble this has caused.',
    'A review of what happened will be published within ten working days.',
    'Our monitoring now covers this case.',
  ],
  privacy: [
    'This message is shown to people with a role for privacy messages only.',
    'Our commitments under the Data Protection Addendum stay as they are.',
    'Details can be found in the product documentation and in the Service Trust Portal.',
  ],
}

export const closings = [
  'Please inform your users and update internal documentation as needed.',
  'You may want to notify your help desk of this change.',
  'Review your current configuration to assess the impact on your organization.',
  'Consider updating your training material.',
  'We will update this message when rollout is complete.',
  'Tell us what you think with the feedback buttons below this message.',
  'If you have questions, open a service request and mention the number of this message.',
  'Share this message with the owners of the service in your organization.',
] as const satisfies readonly string[]

export const completions: Readonly<Record<NonNullable<Feature['kind']>, readonly [string, ...string[]]>> = {
  feature: [
    'Rollout is complete in all worldwide tenants. Here is what people will find.',
    'Everyone who is eligible now has this. A short reminder of what it brings:',
    'What we announced earlier has arrived, and no tenant is left waiting.',
  ],
  change: [
    'The change is in effect for all tenants. If something looks different this week, this may be why.',
    'What we announced is now the normal state of affairs. In short:',
    'The last tenants have received this change. For your help desk, once more what it means:',
  ],
  retirement: [
    'The retirement is complete. What people may notice:',
    'The last step has been taken, and nothing more will be switched off in this matter.',
  ],
  fix: [
    'The issue is resolved. We have watched it for two weeks without finding it again.',
    'All affected tenants have the fix. Nothing more is expected of you beyond what stands below.',
  ],
  privacy: ['The change is complete in all regions concerned. For your records:'],
}

export const rings = ['Targeted Release', 'Public Preview', 'Current Channel (Preview)', 'First ring'] as const

export const compliance = [
  ['Does the change store new customer data?', 'No. It uses data that the service holds already.'],
  ['Does the change alter how existing customer data is processed?', 'Only where this message says so.'],
  ['Can administrators control the change?', 'Yes, by policy, for all users or for groups.'],
  ['Does the change include an admin control that is limited by Entra ID group membership?', 'Yes.'],
  ['Does the change modify how users can access, export or delete their data?', 'No compliance impact was identified.'],
  ['Are events written to the audit log?', 'Yes, within an hour, under the names given in the documentation.'],
] as const

export const noticeOpenings = [
  'please note what changes around',
  'you will notice the following from',
  'here is something that will be different as of',
  'our tools change a little in',
] as const satisfies readonly string[]

export const noticeClosings = [
  'You need not do anything. If something does not work as you expect, contact the help desk.',
  'If you have a question, the service desk knows about this and is glad to help.',
  'Merci, danke, gracias &mdash; your IT team',
  'A short guide is on the intranet. Thank you for reading to the end!',
] as const satisfies readonly string[]
