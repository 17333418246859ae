import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Check } from 'typebox/value'
import { Milestone, readDates } from '../../../src/plugins/message-center/milestones/index.ts'

const posted = '2026-03-10T08:00:00Z'

const milestonesOf = (...given: Parameters<typeof readDates>) => readDates(...given).milestones

/** What is compared: kind, ring, cloud, start and end, with `-` for what is absent. */
function read(text: string, startDateTime: string | undefined = posted): string[] {
  return milestonesOf(text, startDateTime).map(({ kind, ring = '-', cloud = '-', start = '-', end = '-' }) =>
    [kind, ring, cloud, start, end].join(' '),
  )
}
const inTimeline = (...lines: string[]) => ['[When this will happen:]', '', ...lines].join('\n')

/** A line of a timeline, or a small post, and what it says. */
type Row = readonly [name: string, text: string, ...milestones: string[]]

function check(rule: string, rows: readonly Row[]): void {
  for (const [name, text, ...milestones] of rows) {
    test(`${rule}: ${name}`, () => assert.deepEqual(read(text), milestones))
  }
}

check('what counts', [
  ['no date', 'A new button is available now.'],
  [
    'each line of the timeline',
    inTimeline(' * Targeted Release: Begins May 4, 2026.', ' * General Availability: Begins June 1, 2026.'),
    'rollout targeted - 2026-05-04 -',
    'rollout general - 2026-06-01 -',
  ],
  ['a timeline by another name', 'Rollout Schedule\n * Sidebar: May 4, 2026', 'other - - 2026-05-04 -'],
  [
    'a timeline that a paragraph introduces',
    'It goes. Timeline details:\n * Sidebar: May 4, 2026',
    'other - - 2026-05-04 -',
  ],
  [
    'two features with the same dates, once',
    inTimeline('The sidebar rolls out on May 4, 2026.', 'The banner rolls out on May 4, 2026.'),
    'rollout - - 2026-05-04 -',
  ],
  [
    'a heading with its text behind it',
    'When this will happen: We will roll out in May 2026.',
    'rollout - - 2026-05-01 -',
  ],
  [
    'the same day again, in the body',
    `The old page will be retired on May 4, 2026.\n${inTimeline('May 4, 2026: The old page will be removed.')}`,
    'retirement - - 2026-05-04 -',
  ],
  [
    'the same in coarser words, in the body',
    `${inTimeline('We will begin rolling out mid-May 2026.')}\n[What will happen]\nIt rolls out in May 2026.`,
    'rollout - - 2026-05-11 -',
  ],
  [
    'the same in coarser words, in the timeline',
    inTimeline('May 4, 2026: The page will be retired.', 'May 2026: It holds everywhere.'),
    'retirement - - 2026-05-04 -',
  ],
  [
    'the day of what the timeline has as a part of a month',
    `${inTimeline('We will begin rolling out early May 2026.')}\n[What will happen]\nThe rollout begins on May 4, 2026.`,
    'rollout - - 2026-05-01 -',
    'rollout - - 2026-05-04 -',
  ],
  [
    'an event that the timeline does not have',
    `${inTimeline('The page rolls out in May 2026.')}\n[What will happen]\nThe old page will be retired on July 1, 2026.`,
    'rollout - - 2026-05-01 -',
    'retirement - - 2026-07-01 -',
  ],
  [
    'one day told twice in the body, as a rollout and as a stop',
    'The new page will be available on May 4, 2026.\nThe old page will be retired on May 4, 2026.',
    'retirement - - 2026-05-04 -',
  ],
  [
    'an overview of stages that are dated one by one',
    'We retire it starting May 4, 2026 and ending July 1, 2026.\nTimeline:\n * May 4, 2026: It is turned off.\n * July 1, 2026: It is removed.',
    'retirement - - 2026-05-04 -',
    'retirement - - 2026-07-01 -',
  ],
  [
    'a past date of the change itself',
    inTimeline('We began rolling out late January 2026.'),
    'rollout - - 2026-01-21 -',
  ],
])

check('what is no milestone', [
  ['the stamp of an update', 'Updated May 4, 2026: We have updated the timeline.'],
  ['the stamp of an update, in other words', 'Update as of May 4th, 2026 – The content was changed.'],
  ['a correction', 'May 4, 2026: There was an error in this post.'],
  ['history', 'The page was introduced in June 2016.'],
  ['what has been so since', 'As of August 2025, all data has been moved.'],
  ['an example', 'For example, an account that is removed on May 4, 2026 will be archived.'],
  ['a section of examples', 'Example:\n * May 4, 2026: The account will be removed.'],
  ['a condition', inTimeline('Accounts unlicensed before May 4, 2026 will be archived.')],
  ['a warning', 'Sign-in will fail if the app is not updated by May 4, 2026.'],
  ['a product year', 'Workflow Studio 2013 will be retired.'],
  ['a blog', "Read the What's new 2605 (May) blog."],
  ['documentation', 'The documentation will be available on May 4, 2026.'],
  ['a hope', 'We aim to complete the rollout by May 4, 2026.'],
  ['a relative time', 'It will be removed in 30 days.'],
  ['a rollout named by its month', 'Tell your users ahead of the June 2026 rollout.'],
  ['a verb', 'May users be removed from it?\nMarch on.'],
  ['a row of a table with two dates', inTimeline('Pilot | May 4, 2026 | June 1, 2026')],
  ['a week', inTimeline('We roll out the week of May 4, 2026.')],
  ['a part that cannot be told', inTimeline('We roll out early to mid-May 2026.')],
  ['a cancelled change', `We have decided not to proceed with this change.\n${inTimeline('We roll out in May 2026.')}`],
  [
    'a cloud that does not get it takes nothing from the others',
    inTimeline('Worldwide: We roll out in May 2026.', 'GCC: We have decided not to proceed with this change.'),
    'rollout - worldwide 2026-05-01 -',
  ],
])

check('kind', [
  ['a rollout', inTimeline('We will begin rolling out May 4, 2026.'), 'rollout - - 2026-05-04 -'],
  ['availability', 'The page will be available on May 4, 2026.', 'rollout - - 2026-05-04 -'],
  ['an enforcement rolls out too', inTimeline('Enforcement begins on May 4, 2026.'), 'rollout - - 2026-05-04 -'],
  [
    'begins in the line of a ring',
    inTimeline('General Availability: Begins May 4, 2026.'),
    'rollout general - 2026-05-04 -',
  ],
  [
    'a restriction in the line of a ring',
    inTimeline('General Availability: We will begin rolling out the removal May 4, 2026.'),
    'rollout general - 2026-05-04 -',
  ],
  ['something stops', 'From May 4, 2026, sign-in with a PIN will no longer work.', 'retirement - - 2026-05-04 -'],
  ['a retirement that rolls out', inTimeline('Retirement will begin on May 4, 2026.'), 'retirement - - 2026-05-04 -'],
  [
    'for users of a certain history',
    'From May 4, 2026, users who have been invited will no longer see it.',
    'retirement - - 2026-05-04 -',
  ],
  ['the end of support', 'Support for the old app ends on May 4, 2026.', 'retirement - - 2026-05-04 -'],
  [
    'each stage of a retirement',
    'The API will be deprecated on May 4, 2026 and fully retired on July 1, 2026.',
    'retirement - - 2026-05-04 -',
    'retirement - - 2026-07-01 -',
  ],
  [
    'below the heading of a retirement',
    'Retirement timeline:\n * May 4, 2026 – Sites are read-only\n * July 1, 2026 – Sites are gone',
    'retirement - - 2026-05-04 -',
    'retirement - - 2026-07-01 -',
  ],
  ['a last day', inTimeline('The old page works until May 4, 2026.'), 'retirement - - 2026-05-04 -'],
  [
    'the sentence after the date of an entry',
    inTimeline('May 4, 2026: Enforcement begins. The app will no longer accept a PIN.'),
    'retirement - - 2026-05-04 -',
  ],
  [
    'below a label',
    'Features that will be retired:\n * We expect the rollout to begin on May 4, 2026.',
    'retirement - - 2026-05-04 -',
  ],
  [
    'this change, of a post about a retirement',
    `We are retiring the old page.\n${inTimeline('This change takes effect on May 4, 2026.')}`,
    'retirement - - 2026-05-04 -',
  ],
  ['a bare date', inTimeline('May 4, 2026.'), 'other - - 2026-05-04 -'],
  ['another change', 'Starting May 4, 2026, only owners will receive mail.', 'other - - 2026-05-04 -'],
  ['another change, by a day', 'The list will be extended by May 4, 2026.', 'other - - - 2026-05-04'],
  ['an obligation', 'You must update the app by May 4, 2026.', 'deadline - - - 2026-05-04'],
  ['an imperative', ' * Update the app before May 4, 2026.', 'deadline - - - 2026-05-04'],
  ['a change that one can put off', 'You can delay this change until May 4, 2026.', 'deadline - - - 2026-05-04'],
  ['a time that one has', 'You have until May 4, 2026 to export it.', 'deadline - - - 2026-05-04'],
  [
    'no obligation, though one stands before it',
    'This should help, and will be available by May 4, 2026.',
    'rollout - - - 2026-05-04',
  ],
  [
    'no obligation where no action is required',
    inTimeline('It reaches all tenants by May 4, 2026, with no admin action required.'),
    'other - - - 2026-05-04',
  ],
  [
    'a retirement and a deadline of one date',
    'The old page will be removed on May 4, 2026.\nPlease migrate before May 4, 2026.',
    'retirement - - 2026-05-04 -',
    'deadline - - - 2026-05-04',
  ],
])

check('ring and cloud', [
  ['a ring alone', inTimeline('Targeted Release: Begins May 4, 2026.'), 'rollout targeted - 2026-05-04 -'],
  ['a cloud alone', inTimeline('GCC: Begins rolling out May 4, 2026.'), 'rollout - gcc 2026-05-04 -'],
  ['a preview by its programme', inTimeline('Frontier: May 4, 2026'), 'rollout preview - 2026-05-04 -'],
  [
    'a preview of files is no ring',
    inTimeline('The file preview rolls out on May 4, 2026.'),
    'rollout - - 2026-05-04 -',
  ],
  [
    'several',
    inTimeline('Public Preview & General Availability (GCC and GCCH): Begins May 4, 2026.'),
    'rollout preview gcc 2026-05-04 -',
    'rollout preview gccHigh 2026-05-04 -',
    'rollout general gcc 2026-05-04 -',
    'rollout general gccHigh 2026-05-04 -',
  ],
  [
    'GCC High is not GCC',
    inTimeline('GCC‑High, DoD: Rollout May 4, 2026'),
    'rollout - gccHigh 2026-05-04 -',
    'rollout - dod 2026-05-04 -',
  ],
  [
    'the public cloud',
    inTimeline('Production users get it in a rollout on May 4, 2026.'),
    'rollout - worldwide 2026-05-04 -',
  ],
  [
    'a cloud beyond the four',
    inTimeline('General Availability (Gallatin): Begins May 4, 2026.'),
    'rollout general - 2026-05-04 -',
  ],
  [
    'a sentence with another cloud than its line',
    inTimeline('General Availability (Worldwide): Begins May 4, 2026. The rollout to DoD begins June 1, 2026.'),
    'rollout general worldwide 2026-05-04 -',
    'rollout general dod 2026-06-01 -',
  ],
  ['a cloud that is left out', 'It will be retired on May 4, 2026 for all, except GCC.', 'retirement - - 2026-05-04 -'],
  [
    'the label above',
    inTimeline('General Availability (GCC):', ' * Rollout start: May 4, 2026', ' * Rollout completion: May 8, 2026'),
    'rollout general gcc 2026-05-04 2026-05-08',
  ],
  [
    'begin and end below a cloud',
    inTimeline('Worldwide', ' * Starts: early May 2026', ' * Ends: late May 2026'),
    'rollout - worldwide 2026-05-01 2026-05-31',
  ],
  [
    'another label above',
    inTimeline('Sidebar (Roadmap ID 12345 for GCC)', ' * General Availability: Begins May 4, 2026.'),
    'rollout general - 2026-05-04 -',
  ],
  [
    'by date, in one sentence',
    inTimeline('Rollout begins May 4, 2026 for Worldwide and June 1, 2026 for GCC.'),
    'rollout - worldwide 2026-05-04 -',
    'rollout - gcc 2026-06-01 -',
  ],
])

const dates: readonly (readonly [written: string, start: string, end?: string])[] = [
  ['on May 4, 2026', '2026-05-04'],
  ['on May 4th 2026', '2026-05-04'],
  ['on Monday 4 May 2026', '2026-05-04'],
  ['on the 4th of May 2026', '2026-05-04'],
  ['in early May 2026', '2026-05-01'],
  ['in mid‑May 2026', '2026-05-11'],
  ['in mid May, 2026', '2026-05-11'],
  ['in late-Sept. 2026', '2026-09-21'],
  ['at the end of May 2026', '2026-05-21'],
  ['in May 2026', '2026-05-01'],
  ['between early May 2026 and mid-June 2026', '2026-05-01', '2026-06-20'],
  ['from early February through late February 2028', '2028-02-01', '2028-02-29'],
  ['May 4 – June 2, 2026', '2026-05-04', '2026-06-02'],
  ['May 4–8, 2026', '2026-05-04', '2026-05-08'],
  ['in May 2026 and is expected to complete in June 2026', '2026-05-01', '2026-06-30'],
  ['on June 31, 2026', '2026-06-30'],
  ['in late November and completes by mid-January 2027', '2026-11-21', '2027-01-20'],
  ['in late December 2026 and completes by mid-January', '2026-12-21', '2027-01-20'],
  ['in May', '2026-05-01'],
  ['in January', '2026-01-01'],
  ['in November', '2026-11-01'],
]
for (const [written, start, end = '-'] of dates) {
  test(`dates: a rollout ${written}`, () => {
    assert.deepEqual(read(inTimeline(`It will roll out ${written}.`)), [`rollout - - ${start} ${end}`])
  })
}

check('start and end', [
  ['a completion alone', inTimeline('We expect to complete the rollout in mid-May 2026.'), 'rollout - - - 2026-05-20'],
  ['no later than', inTimeline('It rolls out no later than May 4, 2026.'), 'rollout - - - 2026-05-04'],
  ['by this date', inTimeline('May 4, 2026: By this date, all accounts are read-only.'), 'other - - - 2026-05-04'],
  ['a deadline of a month', 'Please update by May 2026.', 'deadline - - - 2026-05-31'],
  ['a deadline before a month', 'Please update before May 2026.', 'deadline - - - 2026-05-01'],
  [
    'begin and completion in two lines',
    inTimeline(' * May 4, 2026: Rollout begins.', ' * May 8, 2026: Rollout complete.'),
    'rollout - - 2026-05-04 2026-05-08',
  ],
  [
    'two events in one sentence',
    'Starting May 4, 2026, downloads will no longer work, and the app will reach end of support on July 1, 2026.',
    'retirement - - 2026-05-04 -',
    'retirement - - 2026-07-01 -',
  ],
])

test('a year that is not written is that of the update it stands in', () => {
  assert.deepEqual(read('Updated January 6, 2027: It will be available on May 4.'), ['rollout - - 2027-05-04 -'])
})

test('a year that is not written is that in which the month comes next, as seen from the post', () => {
  assert.deepEqual(read('It will be available in mid-February.', '2026-11-10T08:00:00Z'), ['rollout - - 2027-02-11 -'])
  assert.deepEqual(read('It will be available in mid-December.', '2027-01-10T08:00:00Z'), ['rollout - - 2026-12-11 -'])
})

test('without a year of any kind there is no milestone', () => {
  assert.deepEqual(milestonesOf(inTimeline('We roll out in May.'), undefined), [])
  assert.deepEqual(milestonesOf(inTimeline('We roll out in May.'), 'soon'), [])
})

test('superseded dates stand beside the valid ones, never in their place', () => {
  const line =
    'Rollout begins early May 2026 (previously late April) and completes by May 29, 2026 (previously mid-May).'
  assert.deepEqual(milestonesOf(inTimeline(` * GCC: ${line}`), posted), [
    {
      kind: 'rollout',
      cloud: 'gcc',
      start: '2026-05-01',
      startPrecision: 'part',
      end: '2026-05-29',
      endPrecision: 'day',
      previous: 'late April; mid-May',
      previousOf: 'both',
      text: `GCC: ${line.slice(0, -1)}`,
    },
  ])
  const moved = 'The retirement was moved from May 4, 2026, to July 1, 2026.\nIt will be removed on May 4, 2026.'
  const [milestone, ...others] = milestonesOf(moved, posted)
  assert.deepEqual(others, [])
  assert.deepEqual(
    [milestone?.start, milestone?.previous, milestone?.previousOf],
    ['2026-07-01', 'May 4, 2026', 'start'],
  )
  const stale = `${inTimeline('We roll out in late May 2026 (previously mid-May).')}\n[What]\nFrom May 15, 2026, it will no longer work.`
  assert.deepEqual(read(stale), ['rollout - - 2026-05-21 -'])
  assert.equal(milestonesOf(inTimeline('It completes by May 8, 2026 instead of May 4.'), posted)[0]?.previousOf, 'end')
})

test('the text is the sentence, with its label and without bullet, address and full stop', () => {
  const line = 'GCC [https://example.com/a] (see [image: a calendar]): It rolls out on May 4, 2026. It is new.'
  assert.deepEqual(
    milestonesOf(inTimeline(` * ${line}`), posted).map(({ text }) => text),
    ['GCC (see): It rolls out on May 4, 2026'],
  )
})

test('milestones stand in the order of the text and have their schema', () => {
  const text = `Please migrate by July 1, 2026.\n${inTimeline('We roll out in May 2026.')}`
  const milestones = milestonesOf(text, posted)
  assert.deepEqual(
    milestones.map(({ kind }) => kind),
    ['deadline', 'rollout'],
  )
  for (const milestone of milestones) assert.ok(Check(Milestone, milestone))
})

test('any text gives milestones of their schema, and as many identities', () => {
  const pieces = fc.constantFrom(
    ...'May |4, |2026|early |by |to |: |\n|. |(|previously |)|GCC|GA|retire |[When this will happen]'.split('|'),
  )
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 60 }), (words) => {
      const identities = read(words.join(''))
      assert.equal(new Set(identities).size, identities.length)
      for (const milestone of milestonesOf(words.join(''), posted)) assert.ok(Check(Milestone, milestone))
    }),
  )
})

test('hostile texts cost linear time', () => {
  const dated = 'We roll out (previously May 4) in May 2026. '
  for (const piece of [
    'May ',
    'May 4, 2026 ',
    '(',
    '(1',
    ' ',
    '.',
    'early ',
    'if not by ',
    '[http',
    '[When this will happen]\n',
    'May 4, 2026: x.\n',
    'previously ',
    'complete ',
    'not ',
    'GCC ',
    'was ',
    dated,
    `${dated}\n`,
    'timeline ',
    '1 ',
    `May 4${' '.repeat(300)}`,
  ]) {
    const text = piece.repeat(60_000 / piece.length)
    for (const hostile of [text, `${text}:`, `[When this will happen]\n${text} May 4, 2026`]) {
      const before = process.cpuUsage()
      milestonesOf(hostile, posted)
      const ms = process.cpuUsage(before).user / 1000
      // Sixty thousand characters of nothing but work; a quadratic pattern takes a hundred times as long.
      assert.ok(ms < 1_000, `${JSON.stringify(piece)} took ${ms} ms`)
    }
  }
})
