/** The public roadmap, the state of messages and service health: src/plugins/roadmap/, src/plugins/service-health/, their tools. */
const roadmap = 'src/plugins/roadmap/roadmap.ts'
const feed = 'src/plugins/roadmap/feed.ts'
const health = 'src/plugins/service-health/cache.ts'
const reading = 'src/plugins/service-health/read-health.ts'
const state = 'src/tools/set-message-state.ts'
const access = 'src/plugins/graph-access/index.ts'

const rows = (file, caughtBy, ...entries) =>
  entries.map(([what, from, to, test]) => ({ what, file, from, to, caughtBy, test }))

export const breaks = [
  ...rows(
    roadmap,
    'test/plugins/roadmap/roadmap.test.ts',
    [
      'what is not found is believed as long as an item',
      'item === undefined ? notFoundTtlMs : itemTtlMs',
      'itemTtlMs',
      'an item is read again after an hour',
    ],
    [
      'concurrent questions ask for the same id again',
      'ids.filter((id) => !pending.has(id))',
      'ids.slice()',
      'concurrent questions share',
    ],
    [
      'a request may ask for any number of ids',
      'start += maxIdsPerRequest',
      'start += 1_000_000',
      'more than fifty ids',
    ],
    [
      'an item of any age is shown where the feed fails',
      'now() - entry.readAtMs < staleTtlMs',
      'true',
      'items of up to a day ago',
    ],
    [
      'an old item does not say that it is old',
      'held.length > 0 && { stale: true }',
      'held.length > 99 && { stale: true }',
      'items of up to a day ago',
    ],
    [
      'one id that cannot be read fails the others',
      'failure !== undefined && found.size === 0',
      'failure !== undefined',
      'an id of which nothing is known',
    ],
    [
      'a feed that fails is asked by every question',
      'failed !== undefined && now() < failed.untilMs',
      'failed === null',
      'after a failure the feed is left alone',
    ],
    [
      'an invalid response for one id stops all others',
      "failure.reason !== 'roadmap_response_invalid'",
      "failure.reason !== 'internal'",
      'a response that is invalid for some ids',
    ],
    ['a caller who goes away waits on', '), signal)', '), undefined)', 'a caller who goes away'],
  ),
  ...rows(
    feed,
    'test/plugins/roadmap/feed.test.ts',
    ['items that nobody asked for count', 'items.filter(({ id }) => missing.includes(id))', 'items.slice()', 'ignored'],
    [
      'pages that bring nothing are read for ever',
      'if (wanted.length === 0) throw',
      'if (wanted.length < 0) throw',
      'pages without end',
    ],
    [
      'a wait that the feed names is lost',
      'seconds > 0 && { retryAfterSeconds: seconds }',
      'seconds < 0 && { retryAfterSeconds: seconds }',
      'the wait that a 429 or 503 names',
    ],
    ['a redirect counts as a page', 'response.status !== 200', 'response.status >= 400', 'a redirect is not followed'],
  ),
  {
    what: 'the roadmap is sent who asks',
    file: feed,
    from: "headers: { accept: 'application/json' }",
    to: "headers: { accept: 'application/json', authorization: 'Bearer x' }",
    caughtBy: 'test/wire/roadmap.test.ts',
    test: 'the roadmap is sent nothing about a user',
  },
  {
    what: 'ROADMAP_URL=off leaves the tool there',
    file: 'src/tools/index.ts',
    from: '[getRoadmapItems, roadmap]',
    to: '[getRoadmapItems, true]',
    caughtBy: 'test/wire/roadmap.test.ts',
    test: 'takes the tool away',
  },
  {
    what: 'the items of a message cost its body',
    file: 'src/tools/get-roadmap-items.ts',
    from: 'bodies: false',
    to: 'bodies: true',
    caughtBy: 'test/tools/get-roadmap-items.test.ts',
    test: 'read from its listing alone',
  },
  ...rows('src/config/upstreams.ts', 'test/config.test.ts', [
    'a roadmap without TLS',
    "(url.startsWith('http:') &&",
    "(name !== 'ROADMAP_URL' && url.startsWith('http:') &&",
    'ROADMAP_URL',
  ]),
  ...rows('src/config/index.ts', 'test/config.test.ts', [
    'writes are on unless they are off',
    "valid.MCP_ENABLE_WRITES === 'true'",
    "valid.MCP_ENABLE_WRITES !== 'false'",
  ]),

  ...rows(
    health,
    'test/plugins/service-health/cache.test.ts',
    [
      'health is one user’s for all',
      'keyOf(reader.credentialHash, activeOnly)',
      "keyOf('anybody', activeOnly)",
      'another credential never gets',
    ],
    ['health is old', 'ageMs < ttlMs', 'ageMs < 2 * ttlMs', 'read again after two minutes'],
    [
      'what was being read when it was dropped is cached',
      'if (isCurrent()) cached.set(key, entry)',
      'cached.set(key, entry)',
      'what is dropped is read again',
    ],
    [
      'whose role is gone is shown what was read',
      "reason === 'graph_forbidden'",
      "reason === 'internal'",
      'whose role is gone',
    ],
  ),
  ...rows(
    reading,
    'test/plugins/service-health/read-health.test.ts',
    [
      'what Graph leaves of a filter is left',
      '!activeOnly || !isResolved',
      'true',
      'a filter that Graph ignores is applied here',
    ],
    [
      'a filter that Graph rejects fails the question',
      "error.reason === 'graph_bad_request'",
      "error.reason === 'internal'",
      'one that it rejects is left out',
    ],
    ['pages are read without end', 'maxPages: 5', 'maxPages: 1_000', 'pages are followed, up to five'],
    ['the last post is the first one', 'Date.parse(b.at) - Date.parse(a.at)', '0', 'the latest of its posts'],
  ),
  {
    what: 'a token that Graph rejects leaves the health that was read with it',
    file: access,
    from: '          app.serviceHealth.drop(credentialHash)\n',
    to: '',
    caughtBy: 'test/wire/state-and-health.test.ts',
    test: 'again once Graph rejects the token',
  },

  ...rows(
    state,
    'test/tools/set-message-state.test.ts',
    [
      'the next question does not see a change',
      'messageCenter.setViewPoint(ids, changes[action])',
      '',
      'the next question sees it',
    ],
    [
      'what Graph did not change counts as changed',
      '?.value !== true',
      '?.value === undefined && false',
      'nothing was changed',
    ],
    ['an id is sent twice', '[...new Set(given)]', 'given', 'on all ids at once'],
    ['favorite archives', 'favorite: { isFavorited: true }', 'favorite: { isArchived: true }', 'favorite is'],
  ),
  {
    what: 'writing is there without its switch',
    file: 'src/tools/index.ts',
    from: '[setMessageState, writes]',
    to: '[setMessageState, true]',
    caughtBy: 'test/wire/state-and-health.test.ts',
    test: 'neither tool is there unless it is switched on',
  },
  {
    what: 'a listing that is being read loses what the user did meanwhile',
    file: 'src/plugins/message-center/snapshots.ts',
    from: 'snapshot.readAtMs <= atMs',
    to: 'snapshot.readAtMs < 0 * atMs',
    caughtBy: 'test/plugins/message-center/snapshots.test.ts',
    test: 'what the user does while a listing is being read',
  },
  {
    what: 'what the user once did overrules every later listing',
    file: 'src/plugins/message-center/snapshots.ts',
    from: 'snapshot.readAtMs <= atMs',
    to: 'atMs !== Number.POSITIVE_INFINITY',
    caughtBy: 'test/plugins/message-center/snapshots.test.ts',
    test: 'a later listing has the last word',
  },

  // An exchange for each tool's own need.
  {
    what: 'an exchange asks for everything',
    file: access,
    from: 'exchangeScopes(use, resource)',
    to: "['https://graph.microsoft.com/ServiceMessage.Read.All', 'https://graph.microsoft.com/ServiceHealth.Read.All']",
    caughtBy: 'test/tools/permissions.test.ts',
    test: 'without consent to ServiceHealth.Read.All',
  },
  {
    what: 'GRAPH_OBO_SCOPES is ignored',
    file: access,
    from: 'entra.oboScopes ?? ',
    to: '',
    caughtBy: 'test/tools/permissions.test.ts',
    test: 'GRAPH_OBO_SCOPES is what every exchange asks for',
  },
  {
    what: 'a token serves whatever its scopes',
    file: 'src/plugins/obo-token-cache/index.ts',
    from: '[...scopes].sort(), caller.tokenHash]',
    to: '[...scopes].sort().slice(0, 0), caller.tokenHash]',
    caughtBy: 'test/plugins/obo-token-cache/index.test.ts',
    test: 'one assertion has a token for each set of scopes',
  },
  {
    what: 'the order of scopes makes another token',
    file: 'src/plugins/obo-token-cache/index.ts',
    from: '[...scopes].sort()',
    to: '[...scopes]',
    caughtBy: 'test/plugins/obo-token-cache/index.test.ts',
    test: 'one assertion has a token for each set of scopes',
  },
  {
    what: 'who may not write may not read',
    file: 'src/plugins/graph-client/index.ts',
    from: 'denials.check(user, resource)',
    to: 'denials.check(user, resource.replace(method, "GET"))',
    caughtBy: 'test/tools/permissions.test.ts',
    test: 'a 403 of writing does not end reading',
  },
  {
    what: 'doctor looks for what the usual tools need',
    file: 'scripts/doctor/application.ts',
    from: 'config === undefined ? defaultTools : toolsFor(config.tools)',
    to: 'config === undefined ? defaultTools : defaultTools',
    caughtBy: 'test/tools/permissions.test.ts',
    test: 'doctor misses what is not there',
  },
]
