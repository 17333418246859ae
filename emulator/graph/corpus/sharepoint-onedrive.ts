import type { Family } from './feature.ts'

export const sharepoint: Family = {
  product: 'SharePoint Online',
  services: ['SharePoint Online'],
  docs: 'https://learn.microsoft.com/sharepoint/',
  adminCenter: 'SharePoint admin center',
  features: [
    {
      name: 'Pages can be reviewed section by section',
      roadmap: 440112,
      platforms: 'Web',
      lede: 'An author will be able to ask a different colleague to review each section of a page or news post. Sections that are approved are locked until the author opens them again.',
      points: [
        'Reviewers are notified in Teams or by mail, with a link that opens at their section.',
        'The page cannot be published while a section waits, unless the author overrides it with a reason.',
        'Version history records who approved what.',
      ],
      audience: 'Authors of pages and news on communication sites.',
      prepare: ['Site owners may turn section review off under <b>Site settings</b> › <b>Pages</b>.'],
      glimpse: 'The legal paragraph to legal, the numbers to finance, and the headline to you.',
      follow: {
        name: 'Section review: approvals expire after thirty days',
        text: 'Approved sections that stay unpublished for a month lose their approval, since figures and names in them may be out of date. Authors are reminded three days before.',
      },
    },
    {
      name: 'Retirement of SharePoint Alerts',
      kind: 'retirement',
      major: true,
      services: ['SharePoint Online', 'Power Platform'],
      lede: 'Alerts, the mails that SharePoint sends when an item changes, are being withdrawn in favour of rules and Power Automate. New alerts cannot be created first; existing ones stop later.',
      points: [
        '<b>Alert me</b> leaves the menus of lists and libraries.',
        'Existing alerts expire thirty days after they were last used and can be renewed only until the final date.',
        'Rules in lists and libraries cover the common cases: a new item, a changed column, a deleted file.',
      ],
      audience: 'People who rely on alert mails, often in quality management and procurement.',
      prepare: [
        'Run the Microsoft 365 Assessment tool in alerts mode for an inventory.',
        'Show owners how to make a rule: <ol><li>open the list</li><li>choose <b>Automate</b><ul><li>then <b>Rules</b></li><li>then <b>Create a rule</b></li></ul></li></ol>',
      ],
      glimpse: 'No alert can be renewed after the date below.',
      follow: {
        name: 'SharePoint Alerts: create is now blocked',
        text: 'The first step is complete: new alerts can no longer be made in any tenant. People who try are sent to rules, and an article explains the differences in plain words.',
      },
    },
    {
      name: 'Site owners see who has not opened a shared file',
      roadmap: 441987,
      lede: 'Links that were made for particular people and not opened within ninety days are listed for the site owner, who can remove them together.',
      points: [
        'The list shows the person, the file and the day on which the link was made.',
        'Removing a link sends no mail.',
        'Links for a whole organization are counted but not listed.',
      ],
      audience: 'Owners of team sites with external sharing.',
      prepare: ['If owners should act within a time, set up the site attestation policy.'],
      glimpse: 'Half of all personal sharing links are never opened; owners will soon see which.',
    },
    {
      name: 'Autofill columns read stamps and handwriting',
      roadmap: 443230,
      services: ['SharePoint Online', 'Microsoft Copilot (Microsoft 365)'],
      lede: 'Autofill columns, which take values out of a document by a prompt, will read rubber stamps, ticked boxes and short handwriting in scanned pages.',
      points: [
        'Thirty-one languages are supported, among them Polski, Türkçe and 中文.',
        'A value that was read with little confidence is shown in italics.',
        'Each page read counts once against pay-as-you-go billing.',
      ],
      audience: 'Libraries with autofill columns and a linked Azure subscription.',
      prepare: ['Watch the billing page for a month: scans have more pages than people think.'],
      follow: {
        name: 'Autofill columns: a monthly budget for each library',
        text: 'Owners can set how many pages a library may read in a month. When the budget is spent, new files are queued and read on the first of the next month.',
      },
      glimpse: 'That delivery note with a blue stamp across the number will become data.',
    },
    {
      name: 'Custom scripts: the setting resets every day for all sites',
      kind: 'change',
      roadmap: 444001,
      lede: 'Permission to add custom scripts to a site will last twenty-four hours everywhere. The command that delayed this for a tenant no longer has an effect.',
      points: [
        'Pages that contain scripts already go on running them.',
        'Classic publishing sites lose the permission as well.',
        'Each grant is an audit record with the administrator’s name.',
      ],
      audience: 'Sites that are built or repaired with custom scripts.',
      prepare: [
        'Plan work on such sites within one day, or move it to the SharePoint Framework.',
        'Remove <code>DelayDenyAddAndCustomizePagesEnforcement</code> from scripts.',
      ],
      glimpse: 'The last delay for custom scripts comes to its end.',
    },
    {
      name: 'Heat maps for intranet home pages',
      roadmap: 445570,
      lede: 'Owners of a home site will see which parts of the page people look at and choose, drawn over a picture of the page.',
      points: [
        'Figures are shown only for groups of twenty people or more.',
        'The last seven, thirty and ninety days can be compared.',
        '<img src="https://support.content.office.net/media/home-site-heat-map.png" alt="A home page with warm and cool areas" width="640"> The picture is made without any person’s content.',
      ],
      audience: 'Owners and editors of the home site.',
      prepare: ['Works councils may want to know the group size; it can be raised but not lowered.'],
      glimpse: 'Which tile does nobody touch? A map will tell.',
      follow: {
        name: 'Heat maps: now for any communication site',
        text: 'Since so many asked, heat maps are no longer kept to the home site. Owners of a communication site with more than two hundred visitors a week can turn them on.',
      },
    },
    {
      name: 'Workflows built on Azure Access Control stop',
      kind: 'retirement',
      major: true,
      lede: 'Add-ins and provider-hosted workflows that get their tokens from Azure Access Control will stop for existing tenants, as they did for new ones.',
      points: [
        'Calls with an ACS token receive 401 from the date on.',
        'Client secrets made by <code>AppRegNew.aspx</code> can no longer be renewed.',
        'Applications registered in Microsoft Entra are unaffected.',
      ],
      audience: 'Tenants with SharePoint add-ins, often bought years ago.',
      prepare: [
        'Scan with the assessment tool for ACS principals that were used in the last thirty days.',
        'Ask each vendor for a release based on Microsoft Entra.',
      ],
      glimpse:
        'An add-in that nobody remembers can still hold up a whole process. Please look for the last users of ACS.',
    },
  ],
}

export const oneDrive: Family = {
  product: 'OneDrive for Business',
  services: ['OneDrive for Business'],
  docs: 'https://learn.microsoft.com/sharepoint/onedrive-overview',
  adminCenter: 'SharePoint admin center',
  features: [
    {
      name: 'Unlicensed accounts are archived after ninety-three days',
      kind: 'change',
      major: true,
      lede: 'Files of people who no longer have a licence will move to Microsoft 365 Archive ninety-three days after the licence was taken away, and can be reached again only after they were reactivated for a fee.',
      points: [
        'Accounts under a hold or a retention policy are archived too, not deleted.',
        'Reactivation of one account costs by the gigabyte and lasts thirty days.',
        'Accounts of people who left entirely are deleted as before.',
      ],
      audience: 'Tenants that keep accounts of former employees for reference.',
      prepare: [
        'Download the report of unlicensed accounts from the admin center.',
        'Move what is still needed to a site, or give the account a licence.',
      ],
      glimpse: 'An account without a licence is not a cheap archive any more.',
      follow: {
        name: 'Archived accounts: reactivation without billing for 24 hours',
        text: 'Mistakes happen: an account that was archived because its licence lapsed by accident can be brought back free of charge within a day. Ask for it on the account’s page.',
      },
    },
    {
      name: 'Offline in the browser for folders you choose',
      roadmap: 450219,
      platforms: 'Windows, Mac',
      lede: 'OneDrive on the web will let people mark folders that must work without a connection, even on a computer on which the sync app does not show them.',
      points: [
        'At most 250,000 items can be marked on one device.',
        'Changes made offline are merged; a conflict makes a second copy with the device’s name.',
        'A device that has been offline for thirty days asks for a sign-in first.',
      ],
      audience: 'People who use OneDrive in the browser on a managed computer.',
      prepare: ['The policy <b>Offline in browser</b> restricts this to compliant devices.'],
      glimpse: 'The cloud, without the cloud.',
    },
    {
      name: 'Sync app: file names with trailing spaces are repaired',
      kind: 'fix',
      platforms: 'Mac',
      lede: 'Folders from a Mac whose names end in a space could stop synchronization of everything below them. The app now proposes a name without the space and carries on with the rest.',
      points: ['The proposal is shown once for each folder.', 'Nothing is renamed without an answer.'],
      audience: 'Designers and others who exchange folders between Mac and Windows.',
      prepare: ['Update to sync app 26.180 or later.'],
      follow: {
        name: 'Sync app: the same repair for trailing full stops',
        text: 'Names that end in a full stop had the same effect on Windows. They are handled in the same way from version 26.201 on.',
      },
    },
    {
      name: 'Colourful folders in File Explorer and Finder',
      roadmap: 451877,
      platforms: 'Windows, Mac',
      lede: 'The colour that somebody gave a folder on the web will be shown on their computer as well, and can be changed there.',
      points: [
        'Sixteen colours, each with a name that screen readers speak.',
        'A shared folder has the colour that its owner gave it.',
      ],
      audience: 'All users of the sync app.',
      prepare: ['No preparation is needed.'],
      glimpse: 'Yellow is no longer the only colour a folder can be 🌈.',
      follow: {
        name: 'Folder colours: high contrast',
        text: 'With a high-contrast theme all sixteen colours looked alike. They now carry a pattern as well, which was chosen together with people who have low vision.',
      },
    },
    {
      name: 'Move a departing colleague’s files with their links',
      roadmap: 452400,
      services: ['OneDrive for Business', 'SharePoint Online'],
      lede: 'When the manager of somebody who leaves takes over their files, links that others hold will go on working. They lead to the new place for a year.',
      points: [
        'Permissions move with the file unless the manager chooses to start afresh.',
        'A list of files that others opened in the last sixty days is offered first.',
        'The move can be undone for a fortnight.',
      ],
      audience: 'Managers and administrators of people who leave.',
      prepare: ['Make sure that the manager attribute is filled in Microsoft Entra.'],
      glimpse: 'Somebody leaves, and forty links break. Not for much longer.',
      follow: {
        name: 'Departing colleagues: hand over to a team',
        text: 'Where there is no manager, or too much for one person, files can be handed to the library of a team. Up to three people can share the task.',
      },
    },
    {
      name: 'Request files: limits on size and type',
      roadmap: 453015,
      platforms: 'Web',
      lede: 'A request for files can say how large an upload may be and which types it takes, so that a form for invoices receives documents rather than films.',
      points: [
        'The limits are shown to the sender before they choose a file.',
        'Files are checked by their content, not by their ending.',
        'An administrator can set limits that no request may exceed.',
      ],
      audience: 'People who collect files from others outside the organization.',
      prepare: ['Set the tenant limits with <code>Set-SPOTenant -RequestFilesMaxSizeInMB</code>.'],
    },
    {
      name: 'Where personal vault content is processed',
      kind: 'privacy',
      lede: 'Optical character recognition for files in OneDrive will be done in the tenant’s own geography in all cases. Until now a small share was processed in a neighbouring region when capacity ran out.',
      points: [
        'Text that was extracted before stays where the file is.',
        'At times of high demand, search for text in images may lag behind by some hours.',
      ],
      audience:
        'Tenants with residency commitments, in particular in Switzerland, Norway and the United Arab Emirates.',
      prepare: ['Amend your record of processing activities if it names the neighbouring region.'],
      follow: {
        name: 'Processing in region: audit evidence available',
        text: 'The attestation for processing within the geography can be downloaded from the Service Trust Portal. It covers the first full quarter after the change.',
      },
    },
  ],
}
