import type { Family } from './feature.ts'

export const exchange: Family = {
  product: 'Exchange Online',
  services: ['Exchange Online'],
  docs: 'https://learn.microsoft.com/exchange/',
  adminCenter: 'Exchange admin center',
  features: [
    {
      name: 'Basic authentication for client submission ends',
      kind: 'retirement',
      major: true,
      lede: 'Devices and applications that hand in mail with a user name and a password will be refused. The last exceptions to the end of basic authentication, those for SMTP AUTH, are being withdrawn tenant by tenant.',
      points: [
        'At first one submission in a hundred is rejected, then one in three, then all.',
        'The refusal reads <code>550 5.7.30 Basic authentication is not supported for Client Submission</code>.',
        'OAuth submissions and relays by connector go on as before.',
      ],
      audience: 'Printers, scanners, line-of-business applications and monitoring systems that send mail.',
      prepare: [
        'Open the <b>SMTP AUTH clients</b> report and look for the protocol “Basic”.',
        'Move applications to OAuth, to High Volume Email, or to Azure Communication Services.',
        'Set printers to relay through a connector with a fixed address.',
      ],
      glimpse: 'Printers are usually forgotten until they fall silent. Please look for them now.',
      follow: {
        name: 'Basic authentication for client submission: first rejections measured',
        text: 'With one submission in a hundred rejected, most tenants found between two and nine devices they did not know of. The share of rejections now rises, as announced, and can be paused once for thirty days.',
      },
      extra:
        '<table><tr><th>Phase</th><th>Share rejected</th><th>May be paused</th></tr><tr><td>1</td><td>1&nbsp;%</td><td>Yes</td></tr><tr><td>2</td><td>30&nbsp;%</td><td>Once, for 30 days</td></tr><tr><td>3</td><td>100&nbsp;%</td><td>No</td></tr></table>',
    },
    {
      name: 'Message trace keeps ninety days in one search',
      roadmap: 471206,
      lede: 'Message trace will search ninety days at once. The split between an immediate trace for ten days and a report by mail for older messages is gone, and so is the wait for the second.',
      points: [
        'Results are paged by the thousand and can be exported at any point.',
        'The cmdlet <code>Get-MessageTraceV2</code> takes the same range.',
        'Queries are limited to a hundred in five minutes for a tenant.',
      ],
      audience: 'Messaging administrators and support staff.',
      prepare: ['Rewrite scripts that wait for a historical report; the older cmdlets go on working for six months.'],
      glimpse: 'Waiting two hours for an answer about last month’s mail will soon be a memory.',
      follow: {
        name: 'Message trace: the older cmdlets stop working',
        text: 'The six months that we gave for moving scripts from <code>Get-MessageTrace</code> are nearly over. Calls to the older cmdlets now return a warning with the date on which they end.',
      },
    },
    {
      name: 'Shared mailboxes get their own sending limit',
      kind: 'change',
      roadmap: 472990,
      lede: 'A shared mailbox will count its outgoing recipients by itself, where until now each message counted against the person who sent it. Runaway replies from a service desk no longer stop an agent from writing their own mail.',
      points: [
        'The limit is 10,000 recipients in 24 hours for each shared mailbox.',
        'The person’s own limit is unchanged.',
        'Mailboxes close to the limit are listed in the outbound report.',
      ],
      audience: 'Organizations that send newsletters or tickets from shared mailboxes.',
      prepare: ['Look up which shared mailboxes send most, and move bulk mail to High Volume Email.'],
      glimpse: 'Counting will become fairer for those who answer on behalf of many.',
    },
    {
      name: 'Journaling rules warn before they fail',
      roadmap: 474118,
      lede: 'When the address for undeliverable journal reports begins to collect messages, administrators will get an alert within the hour rather than find the gap at the next audit.',
      points: [
        'The alert names the rule, the destination and the first failure.',
        'A rule that fails for three days is shown in red in the list.',
        'Nothing is dropped: reports are kept for redelivery for fourteen days.',
      ],
      audience: 'Tenants with at least one journal rule.',
      prepare: [
        'Check that the undeliverable-reports mailbox exists and is watched.',
        'Add the alert to your on-call rota.',
      ],
      follow: {
        name: 'Journaling: redelivery can be started by hand',
        text: 'After a destination has come back, kept reports can be sent again from the rule’s page. Redelivery preserves the original time of each report.',
      },
      glimpse: 'A journal that silently loses mail is worse than none.',
    },
    {
      name: 'DNSSEC for inbound mail becomes the default for new domains',
      roadmap: 470333,
      kind: 'change',
      lede: 'Domains added after the rollout get mail exchanger records below <code>mx.microsoft</code>, signed with DNSSEC, so that SMTP DANE can be used without further work.',
      points: [
        'Domains that exist already keep the records they have.',
        'The setup page shows both forms; copy the one it recommends.',
        'Third-party filters that list Microsoft’s host names need the new suffix.',
      ],
      audience: 'Administrators who add or verify domains.',
      prepare: ['Search your deployment scripts for <code>mail.protection.outlook.com</code>.'],
      glimpse: 'New domains will be signed from the first day.',
      follow: {
        name: 'DNSSEC for existing domains: one-command change',
        text: 'Domains that were added earlier can be moved with <code>Enable-DnssecForVerifiedDomain</code>. Leave both records in place for two days, then remove the older one.',
      },
    },
    {
      name: 'Room lists accept booking rules by department',
      roadmap: 475601,
      services: ['Exchange Online', 'Outlook'],
      lede: 'A room list can say which departments may book its rooms, and how far ahead. The rule is read when somebody searches for a room, so that people no longer propose one that will decline.',
      points: [
        'Rules match on the department attribute or on a group.',
        'Delegates of a room are exempt.',
        'A refused organizer sees which list refused, and why.',
      ],
      audience: 'Organizations with more than one building or with rooms kept for a department.',
      prepare: ['Clean up the department attribute in Microsoft Entra; spelling counts.'],
      follow: {
        name: 'Room booking rules: exceptions for visitors',
        text: 'Reception staff can now book any room on behalf of a visitor for the same day. The exception is written into the audit log with the visitor’s company.',
      },
    },
    {
      name: 'Retirement of remote PowerShell endpoints for compliance cmdlets',
      kind: 'retirement',
      major: true,
      services: ['Exchange Online', 'Microsoft Purview'],
      lede: 'The remote PowerShell endpoints that still serve a few compliance cmdlets will close. The REST-based module has offered the same cmdlets for more than a year.',
      points: [
        'Sessions opened with <code>-UseRPSSession</code> are refused.',
        'Scripts that run as an application need certificate-based authentication.',
        'Three cmdlets change the type of one result; see the table in the documentation.',
      ],
      audience: 'Administrators with scheduled compliance scripts.',
      prepare: ['Update the module to 3.9 or later.', 'Run each scheduled script once by hand before the date.'],
      glimpse: 'Scripts that open a remote session for compliance cmdlets will fail after the date below.',
    },
    {
      name: 'Inbox rules created by attackers are removed on recovery',
      roadmap: 476720,
      services: ['Exchange Online', 'Microsoft Defender XDR'],
      lede: 'When an account is marked as recovered after a compromise, rules that were created in the time of the attack and move or delete mail will be disabled, and shown to the user in one list.',
      points: [
        'Rules are disabled, never deleted, and can be turned on again.',
        'Forwarding addresses set in the same time are cleared.',
        'Each change is an audit record with the reason <i>AccountRecovery</i>.',
      ],
      audience: 'Users whose account was compromised; security teams.',
      prepare: ['Add the list of disabled rules to your recovery runbook.'],
      glimpse: 'Changing the password is not enough while a rule still hides the answers.',
    },
    {
      name: 'Mail flow is delayed for some hybrid connectors',
      kind: 'fix',
      lede: 'Connectors from on-premises servers that present an expired intermediate certificate were throttled more strictly than intended. Mail was delivered, but up to forty minutes late.',
      points: [
        'The stricter limit has been withdrawn for all tenants.',
        'Servers that present the expired certificate get a warning in the connector report.',
      ],
      audience: 'Hybrid organizations whose servers were last updated before the spring.',
      prepare: [
        'Install the current intermediate certificate on every server that sends to Exchange Online.',
        'Restart the transport service afterwards.',
      ],
      follow: {
        name: 'Hybrid connectors: the expired certificate will be refused',
        text: 'The warning that we added to the connector report becomes a refusal. Servers that still present the expired intermediate certificate can be found in the report by the status “Expired chain”.',
      },
    },
  ],
}

export const outlook: Family = {
  product: 'Outlook',
  services: ['Microsoft 365 Apps', 'Outlook'],
  docs: 'https://learn.microsoft.com/microsoft-365-apps/outlook/',
  adminCenter: 'Microsoft 365 admin center',
  features: [
    {
      name: 'Offline search of the last twelve months in new Outlook',
      roadmap: 460017,
      platforms: 'Windows',
      lede: 'New Outlook for Windows will search a year of mail without a connection. The index is built while the computer is idle and plugged in, and stays on the device.',
      points: [
        'Results from the index are marked with a small plane symbol.',
        'Shared folders are left out in this first version.',
        'About 400 MB of disk are used for a mailbox of 30,000 messages.',
      ],
      audience: 'People who travel, and anybody with a poor connection.',
      prepare: [
        'The policy <b>Offline search range</b> sets the number of months; 0 turns it off.',
        'Look at disk space on shared computers.',
      ],
      glimpse: 'On a train through the Alps you will soon find that attachment.',
      follow: {
        name: 'Offline search now covers shared mailboxes',
        text: 'Shared mailboxes that a person has opened in the last month join the offline index. Each counts against the same disk budget, the least used first to leave.',
      },
    },
    {
      name: 'Recall shows what happened to each copy',
      roadmap: 461384,
      platforms: 'Web, Windows, Mac',
      lede: 'The report after a recall will list every recipient with the outcome (removed, already read, outside the organization, held by a policy) and refresh itself while the recall runs.',
      points: [
        'Read copies can be recalled where an administrator allows it.',
        'The report is kept for thirty days.',
        'Recipients may be told that something was recalled; the default is not to.',
      ],
      audience: 'Everybody who sends mail inside the organization.',
      prepare: ['Decide whether recipients should be notified, and set it in the mail settings of the tenant.'],
      follow: {
        name: 'Recall report opens to delegates',
        text: 'Assistants who send on behalf of somebody else see the report of the recalls they start. The person they act for sees it as well.',
      },
    },
    {
      name: 'Add-ins based on COM reach the end in new Outlook preview channels',
      kind: 'retirement',
      lede: 'The bridge that let a small set of COM add-ins run beside new Outlook for testing will be taken out of the preview channels. It was never offered in production.',
      points: [
        'Classic Outlook goes on loading COM add-ins.',
        'The inventory in the Apps admin center shows which have a web counterpart.',
      ],
      audience: 'Testers in the preview channels who use COM add-ins.',
      prepare: [
        'Ask the makers of your add-ins for a web version, and write down who needs classic Outlook for longer.',
      ],
      glimpse: 'Testers: this is the last month in which COM add-ins load beside new Outlook.',
    },
    {
      name: 'Calendar asks before sending a wall of updates',
      roadmap: 462845,
      platforms: 'Web, Windows, iOS, Android',
      lede: 'When somebody edits a series with more than fifty attendees, Outlook will ask whether everyone has to hear of it, only the people added or removed, or nobody.',
      points: [
        'Changes of time or place always go to everyone.',
        'The answer is remembered for that series.',
        'Exchange writes the choice into the meeting’s log.',
      ],
      audience: 'Organizers of large recurring meetings.',
      prepare: ['Nothing to do; consider mentioning it to executive assistants.'],
      glimpse: 'Two hundred mails because of a typo in the agenda: that ends.',
      follow: {
        name: 'Quiet updates for series: administrators can choose the default',
        text: 'A mailbox policy sets which of the three answers is offered first. In tenants with strict record keeping, “everyone” can be made the only one.',
      },
    },
    {
      name: 'Signatures that follow the language of the message',
      roadmap: 463500,
      platforms: 'Web, Windows, Mac',
      lede: 'People can keep a signature for each language they write in. Outlook looks at the first two sentences and inserts the right one: <i>Mit freundlichen Grüßen</i>, <i>Cordialement</i>, <i>よろしくお願いいたします</i>.',
      points: [
        'Up to five signatures can carry a language.',
        'Organization-wide signatures added in transport are not affected.',
        'Language detection runs on the device.',
      ],
      audience: 'People who write in more than one language.',
      prepare: ['Provide approved texts for each language, with the legal lines your countries ask for.'],
      glimpse: 'Grüße, saludos, salut: a signature for each.',
    },
  ],
}
