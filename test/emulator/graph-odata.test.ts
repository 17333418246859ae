import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createCorpus } from '../../emulator/graph/corpus/index.ts'
import { serviceUpdateMessage } from '../../emulator/graph/entity.ts'
import { GraphError } from '../../emulator/graph/errors.ts'
import type { Message } from '../../emulator/graph/message.ts'
import { compileFilter, compileOrderBy } from '../../emulator/graph/odata/compile.ts'

const corpus = createCorpus()
const someId = corpus[7]?.id ?? ''
const otherId = corpus[9]?.id ?? ''
const after = (iso: string) => (message: Message) => Date.parse(message.lastModifiedDateTime) > Date.parse(iso)
const roadmapIds = ({ details }: Message) =>
  details.filter(({ name }) => name === 'RoadmapIds').map(({ value }) => value)

const filters: readonly [expression: string, expected: (message: Message) => boolean][] = [
  ['isMajorChange eq true', (m) => m.isMajorChange],
  ['isMajorChange', (m) => m.isMajorChange],
  ['isMajorChange ne true', (m) => !m.isMajorChange],
  ['not isMajorChange', (m) => !m.isMajorChange],
  ["category eq 'stayInformed'", (m) => m.category === 'stayInformed'],
  ["category eq microsoft.graph.serviceUpdateCategory'planForChange'", (m) => m.category === 'planForChange'],
  ["category in ('stayInformed','planForChange')", (m) => m.category !== 'preventOrFixIssue'],
  ["severity ne 'normal'", (m) => m.severity !== 'normal'],
  ["severity gt 'normal'", (m) => m.severity !== 'normal'],
  [`id in ('${someId}', '${otherId}')`, (m) => m.id === someId || m.id === otherId],
  ["contains(tolower(title),'teams')", (m) => m.title.toLowerCase().includes('teams')],
  ["contains(title,'teams')", (m) => m.title.includes('teams')],
  ["contains(toupper(title),'TEAMS')", (m) => m.title.toUpperCase().includes('TEAMS')],
  ["startswith(title,'(Updated)')", (m) => m.title.startsWith('(Updated)')],
  ["startswith(title,'(Updated)') eq false", (m) => !m.title.startsWith('(Updated)')],
  ["not startswith(title,'(Updated)')", (m) => !m.title.startsWith('(Updated)')],
  ["not(startswith(title,'(Updated)'))", (m) => !m.title.startsWith('(Updated)')],
  ["not contains(title,'Teams') and isMajorChange eq true", (m) => !m.title.includes('Teams') && m.isMajorChange],
  ["endswith(title,'(preview)')", (m) => m.title.endsWith('(preview)')],
  ['length(title) gt 80', (m) => m.title.length > 80],
  ["indexof(title,':') eq 7", (m) => m.title.indexOf(':') === 7],
  ["indexof(title,'(Updated)') eq -1", (m) => !m.title.includes('(Updated)')],
  ["trim(concat(title,'  ')) eq title", () => true],
  ["contains(body/content,'<table>')", (m) => m.body.content.includes('<table>')],
  ["contains(body/content,'日本語') or contains(title,'日本語')", (m) => /日本語/.test(m.title + m.body.content)],
  ["body/contentType eq 'html'", () => true],
  ["contains(title,'ž') or contains(title,'🎉')", (m) => /ž|🎉/u.test(m.title)],
  ["contains(title,'%27')", (m) => m.title.includes('%27')],
  ["services/any(s:contains(s,'Copilot'))", (m) => m.services.some((s) => s.includes('Copilot'))],
  [
    "services/any(s: s eq 'Outlook' or startswith(s,'Power'))",
    (m) => m.services.some((s) => /^(Outlook$|Power)/.test(s)),
  ],
  ["services/all(s:s ne 'Outlook')", (m) => m.services.every((s) => s !== 'Outlook')],
  ['services/any()', (m) => m.services.length > 0],
  ["tags/any(t:t eq 'New feature')", (m) => m.tags.includes('New feature')],
  ["not tags/any(t:t eq 'New feature')", (m) => !m.tags.includes('New feature')],
  ["tags/any(t:t in ('Retirement','GDPR'))", (m) => m.tags.some((t) => /^(Retirement|GDPR)$/.test(t))],
  [
    "details/any(d:d/name eq 'RoadmapIds' and contains(d/value,'12'))",
    (m) => roadmapIds(m).some((value) => value.includes('12')),
  ],
  ["details/all(d:d/name ne 'RoadmapIds')", (m) => roadmapIds(m).length === 0],
  ['services/any(s:contains(title,s))', (m) => m.services.some((s) => m.title.includes(s))],
  [
    "services/any(s:tags/any(t:t eq 'Retirement' and s eq 'Planner'))",
    (m) => m.tags.includes('Retirement') && m.services.includes('Planner'),
  ],
  ["$it/title eq 'x' or $it/isMajorChange", (m) => m.isMajorChange],
  ['lastModifiedDateTime gt 2026-06-01T00:00:00Z', after('2026-06-01T00:00:00Z')],
  ['lastModifiedDateTime gt 2026-06-01', after('2026-06-01T00:00:00Z')],
  ['lastModifiedDateTime gt 2026-06-01T02:00:00.000+02:00', after('2026-06-01T00:00:00Z')],
  ['2026-06-01T00:00:00Z lt lastModifiedDateTime', after('2026-06-01T00:00:00Z')],
  [`startDateTime eq ${corpus[7]?.startDateTime}`, (m) => m.id === someId],
  [
    'startDateTime ge 2026-03-01T00:00:00Z and startDateTime lt 2026-04-01T00:00:00Z',
    (m) => m.startDateTime.startsWith('2026-03'),
  ],
  ['actionRequiredByDateTime ne null', (m) => m.actionRequiredByDateTime !== null],
  ['actionRequiredByDateTime eq null', (m) => m.actionRequiredByDateTime === null],
  [
    'actionRequiredByDateTime gt 2026-11-20T00:00:00Z',
    (m) => m.actionRequiredByDateTime !== null && m.actionRequiredByDateTime > '2026-11-20',
  ],
  [
    'not (actionRequiredByDateTime gt 2026-11-20T00:00:00Z)',
    (m) => m.actionRequiredByDateTime === null || m.actionRequiredByDateTime < '2026-11-20',
  ],
  ['contains(null,title)', () => false],
  ['not contains(null,title)', () => false],
  ['contains(null,title) or isMajorChange', (m) => m.isMajorChange],
  ['not (contains(null,title) or isMajorChange)', () => false],
  ['not (contains(null,title) and isMajorChange)', (m) => !m.isMajorChange],
  [`id ge '${someId}' and id le '${otherId}'`, (m) => m.id >= someId && m.id <= otherId],
  [`id gt '${someId}' and id lt '${otherId}'`, (m) => m.id > someId && m.id < otherId],
  [
    "isMajorChange or category eq 'planForChange' and severity eq 'high'",
    (m) => m.isMajorChange || (m.category === 'planForChange' && m.severity === 'high'),
  ],
  [
    "(isMajorChange or category eq 'planForChange') and severity eq 'high'",
    (m) => (m.isMajorChange || m.category === 'planForChange') && m.severity === 'high',
  ],
  ['length(title) ge 4.05e1 and length(title) le 60', (m) => m.title.length >= 40.5 && m.title.length <= 60],
  ['ISMAJORCHANGE eq true', (m) => m.isMajorChange],
  ["contains(Body/CONTENT,'<table>')", (m) => m.body.content.includes('<table>')],
  ["DETAILS/any(d:d/Name eq 'RoadmapIds')", (m) => roadmapIds(m).length > 0],
  ['$it/IsMajorChange', (m) => m.isMajorChange],
  ["'Microsoft Teams' in services", (m) => m.services.includes('Microsoft Teams')],
  [
    "not('Microsoft Teams' in Services) and isMajorChange",
    (m) => !m.services.includes('Microsoft Teams') && m.isMajorChange,
  ],
  ["'Retirement' in tags or 'Admin impact' in tags", (m) => /Retirement|Admin impact/.test(`${m.tags}`)],
  ['services/any(s:s in tags)', () => false],
  ['title in services', () => false],
  ['null in tags', () => false],
  ["title eq 'it''s'", () => false],
  ["title  ne\t'' ", () => true],
]

for (const [expression, expected] of filters) {
  test(`$filter=${expression} matches the same posts as plain JavaScript`, () => {
    const passes = compileFilter(expression, serviceUpdateMessage)
    assert.deepEqual(
      corpus.filter((message) => passes(message)).map(({ id }) => id),
      corpus.filter(expected).map(({ id }) => id),
    )
  })
}

const states = [null, ...[true, false, null].map((isRead) => ({ isArchived: false, isFavorited: null, isRead }))]
for (const [expression, expected] of [
  ['viewPoint eq null', [true, false, false, false]],
  ['ViewPoint ne null', [false, true, true, true]],
  ['viewPoint/isRead', [false, true, false, false]],
  ['viewPoint/IsRead eq true', [false, true, false, false]],
  ['viewPoint/isRead eq false', [false, false, true, false]],
  ['viewPoint/isRead ne true', [true, false, true, true]],
  ['viewPoint/isRead eq null', [true, false, false, true]],
  ['not viewPoint/isRead', [false, false, true, false]],
  ['viewPoint/isFavorited eq false', [false, false, false, false]],
] as const) {
  test(`$filter=${expression} of an unopened post, and of one that is read, unread or neither: ${expected}`, () => {
    const passes = compileFilter(expression, serviceUpdateMessage)
    assert.deepEqual(
      states.map((viewPoint) => passes({ viewPoint })),
      expected,
    )
  })
}

const filterability: readonly [expression: string, unfilterable: readonly string[], isRejected: boolean][] = [
  ["details/any(d:d/name eq 'RoadmapIds')", ['details'], true],
  ["DETAILS/any(d:d/name eq 'RoadmapIds')", ['details'], true],
  ['isMajorChange and $it/Details/any()', ['details'], true],
  ['tags/any(t:details/any(d:d/value eq t))', ['details'], true],
  ["'a' in details", ['details'], true],
  ['viewPoint/isRead eq false', ['details'], false],
  ['not viewpoint/isRead', ['viewPoint'], true],
  ["contains(tolower(body/content),'a')", ['details', 'body'], true],
  ["contains(title,'details')", ['details'], false],
  ['tags/any(details:details eq title)', ['details'], false],
]
for (const [expression, unfilterable, isRejected] of filterability) {
  test(`$filter=${expression} where ${unfilterable} is unfilterable is ${isRejected ? 'rejected' : 'accepted'}`, () => {
    const compiled = () => compileFilter(expression, serviceUpdateMessage, unfilterable)
    if (isRejected) assert.throws(compiled, { statusCode: 400, message: /cannot be used in the \$filter query option/ })
    else compiled()
  })
}

test('a string literal finds exactly the text it quotes', () => {
  const title = fc.string({ unit: 'grapheme' })
  fc.assert(
    fc.property(title, fc.oneof(title, fc.constantFrom("'", "''", "a'b", '%27', "' or true or '")), (text, part) => {
      const passes = compileFilter(`contains(title,'${part.replaceAll("'", "''")}')`, serviceUpdateMessage)
      assert.equal(passes({ title: text }), text.includes(part))
      assert.equal(passes({ title: `${text}${part}${text}` }), true)
    }),
  )
})

test('any text at all either compiles or is rejected with 400', () => {
  const word = fc.constantFrom(
    ...[
      "'",
      '(',
      ')',
      ' ',
      'eq',
      'not ',
      'and',
      'title',
      'tags/any(t:',
      't',
      ',',
      '1',
      "'a'",
      '$it',
      'null',
      '/',
      'in',
    ],
  )
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.array(word).map((words) => words.join(' ')),
      ),
      (source) => {
        try {
          compileFilter(source, serviceUpdateMessage)
        } catch (error) {
          assert.ok(error instanceof GraphError)
          assert.equal(error.statusCode, 400)
        }
      },
    ),
    { numRuns: 2000 },
  )
})

const invalidFilters: readonly [what: string, expression: string, message: RegExp][] = [
  [
    'an unknown property',
    "x eq 'a'",
    /^Could not find a property named 'x' on type 'microsoft.graph.serviceUpdateMessage'\.$/,
  ],
  ['__proto__', "__proto__ eq 'a'", /Could not find a property named '__proto__'/],
  ['constructor below a property', "body/constructor eq 'a'", /named 'constructor' on type 'microsoft.graph.itemBody'/],
  ['a property of a string', "title/length eq 'a'", /named 'length' on type 'Edm.String'/],
  [
    'an unknown property of a range variable',
    "details/any(d:d/x eq 'a')",
    /named 'x' on type 'microsoft.graph.keyValuePair'/,
  ],
  ['a range variable outside its lambda', "tags/any(t:t eq 'a') and t eq 'b'", /property named 't'/],
  ['a range variable declared twice', "tags/any(t:services/any(t:t eq 'a'))", /'t' has already been declared/],
  ['an unknown function', "substringof('a',title)", /unknown function with name 'substringof'/],
  ['a function named like a method of objects', "toString(title) eq 'a'", /unknown function with name 'toString'/],
  ['an unknown lambda', "tags/some(t:t eq 'a')", /unknown function with name 'some'/],
  ['a lambda over a string', "title/any(t:t eq 'a')", /can only be applied to a collection/],
  ['a lambda that is no condition', 'tags/any(t:t)', /must evaluate to a single boolean/],
  ['too few arguments', 'contains(title)', /No function signature .* contains\(Edm.String Nullable=true, Edm.String/],
  ['too many arguments', "tolower(title,'a') eq 'a'", /No function signature/],
  ['an argument of another type', "contains(isMajorChange,'a')", /No function signature/],
  ['operands of different types', 'title eq 1', /'Edm.String' and 'Edm.Int32' for operator kind 'Equal'/],
  ['a date compared with a string', "startDateTime gt '2026-01-01'", /incompatible types/],
  ['a collection compared with a string', "tags eq 'a'", /incompatible types/],
  ['a string where a condition belongs', "title and title eq 'a'", /operator kind 'And'/],
  ['not of a string', 'not title', /operator kind 'Not'/],
  [
    'an unknown member of an enumeration',
    "category eq 'nonsense'",
    /'nonsense' is not a valid enumeration type constant/,
  ],
  ['a filter that is no condition', 'title', /must evaluate to a single boolean value/],
  ['an unterminated string', "title eq 'a", /unterminated string literal/],
  ['a quote too many', "title eq 'a''", /unterminated string literal/],
  ['a missing operand', 'title eq', /Expression expected at position 8/],
  ['a missing parenthesis', "(title eq 'a'", /'\)' or operator expected/],
  ['a parenthesis too many', "title eq 'a')", /Syntax error at position 12/],
  ['operators in capitals', "title EQ 'a'", /Syntax error at position 6/],
  ['a list that is none', 'title in 1', /'\(' or Identifier expected/],
  ['in over a string', "'a' in title", /incompatible types/],
  ['in over a collection of another type', '1 in tags', /'Edm.Int32' and 'Edm.String' for operator kind 'Equal'/],
  ['in over a lambda', "'a' in tags/any(t:t eq 'b')", /Collection expected/],
  ['a complex property compared with a string', "viewPoint eq 'a'", /incompatible types/],
  ['an unknown property in another case', "X eq 'a'", /named 'X' on type/],
  ['an empty list', 'title in ()', /Expression expected/],
  ['a day that does not exist', 'startDateTime gt 2026-02-30', /Unrecognized 'Edm.DateTimeOffset' literal/],
  ['an hour that does not exist', 'startDateTime gt 2026-02-20T25:00:00Z', /Unrecognized 'Edm.DateTimeOffset' literal/],
  ['a stray character', 'title eq #', /character '#' is not valid/],
  ['deep parentheses', `${'('.repeat(5000)}title eq 'a'`, /Recursion depth exceeded allowed limit/],
  ['deep negation', `${'not '.repeat(2000)}isMajorChange`, /Recursion depth exceeded allowed limit/],
  ['deep calls', `${'tolower('.repeat(500)}title`, /Recursion depth exceeded allowed limit/],
  ['a huge expression', `title eq '${'a'.repeat(100_000)}'`, /longer than the allowed limit/],
]

for (const [what, expression, message] of invalidFilters) {
  test(`$filter rejects ${what}`, () => {
    assert.throws(() => compileFilter(expression, serviceUpdateMessage), {
      statusCode: 400,
      code: 'BadRequest',
      message,
    })
  })
}

test('the longest chain of operators allowed is evaluated, not overflowed', () => {
  const chain = Array(540)
    .fill("id ne 'x'")
    .join(' and ')
    .slice(0, 8190)
    .replace(/ and [^']*('[^']*)?$/, '')
  assert.equal(compileFilter(chain, serviceUpdateMessage)(corpus[0] ?? {}), true)
})

const ascending = (a: string | null, b: string | null) => (a === b ? 0 : a === null || (b !== null && a < b) ? -1 : 1)

const orders: readonly [expression: string, compare: (a: Message, b: Message) => number][] = [
  ['lastModifiedDateTime desc', (a, b) => Date.parse(b.lastModifiedDateTime) - Date.parse(a.lastModifiedDateTime)],
  ['title', (a, b) => ascending(a.title, b.title)],
  ['title asc', (a, b) => ascending(a.title, b.title)],
  ['tolower(title) desc', (a, b) => ascending(b.title.toLowerCase(), a.title.toLowerCase())],
  ['isMajorChange desc, id', (a, b) => Number(b.isMajorChange) - Number(a.isMajorChange) || ascending(a.id, b.id)],
  [
    'actionRequiredByDateTime,id desc',
    (a, b) => ascending(a.actionRequiredByDateTime, b.actionRequiredByDateTime) || ascending(b.id, a.id),
  ],
  [
    'severity desc,startDateTime',
    (a, b) =>
      severities.indexOf(b.severity) - severities.indexOf(a.severity) ||
      Date.parse(a.startDateTime) - Date.parse(b.startDateTime),
  ],
  ['body/content', (a, b) => ascending(a.body.content, b.body.content)],
  ['LastModifiedDateTime desc', (a, b) => Date.parse(b.lastModifiedDateTime) - Date.parse(a.lastModifiedDateTime)],
]
const severities = ['normal', 'high', 'critical']

for (const [expression, compare] of orders) {
  test(`$orderby=${expression} sorts as plain JavaScript does`, () => {
    const order = compileOrderBy(expression, serviceUpdateMessage)
    assert.deepEqual(
      corpus.toSorted(order).map(({ id }) => id),
      corpus.toSorted(compare).map(({ id }) => id),
    )
  })
}

for (const expression of ['x', 'title sideways', 'tags', 'body', 'title,', 'title desc desc', "title eq 'a', "]) {
  test(`$orderby=${expression} is rejected`, () => {
    assert.throws(() => compileOrderBy(expression, serviceUpdateMessage), { statusCode: 400 })
  })
}
