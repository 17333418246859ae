/** What agents can do: src/tools/. */
export const breaks = [
  // src/tools/get-messages.ts
  {
    what: 'a page with bodies is as long as one without',
    file: 'src/tools/get-messages.ts',
    from: 'Math.min(preferred, maxWithBodies)',
    to: 'preferred',
    caughtBy: 'test/tools/get-messages.test.ts',
  },
  {
    what: 'a thousand posts with bodies may be asked for',
    file: 'src/tools/get-messages.ts',
    from: 'size > maxWithBodies',
    to: 'size < 0',
    caughtBy: 'test/tools/get-messages.test.ts',
  },
  ...[
    [
      'there is a page after the last one',
      'next < found.length',
      'next <= found.length',
      'a page that ends with the last message',
    ],
    ['a count is of the page', "'@odata.count': found.length", "'@odata.count': page.length", 'from a skip on'],
    [
      'a raw filter widens what the other arguments ask for',
      'matching(reading, filters)\n',
      'matching(reading, input.filter === undefined ? filters : [])\n',
      'a raw filter goes to Graph as it is',
    ],
    ['a rejected filter is not named', 'throw isRejected ?', 'throw !isRejected ?', 'a raw filter that Graph rejects'],
    [
      'a filter that finds nothing is an empty Message Center',
      'return isByGraph ?',
      'return !filter ?',
      'where a raw filter finds nothing',
    ],
    [
      'texts that were not read are searched, it seems',
      'reading.unreadBodies > 0',
      'reading.unreadBodies > 9',
      'texts that could not be read',
    ],
  ].map(([what, from, to, test]) => ({
    what,
    file: 'src/tools/get-messages.ts',
    from,
    to,
    caughtBy: 'test/tools/get-messages.test.ts',
    test,
  })),
  // src/tools/message-links.ts
  {
    what: 'a page of a thousand has a thousand links',
    file: 'src/tools/message-links.ts',
    from: '.slice(0, maxLinks)',
    to: '',
    caughtBy: 'test/tools/get-messages.test.ts',
    test: 'twenty at most',
  },
  // src/tools/get-digest.ts
  {
    what: 'a digest is silent about texts it could not read',
    file: 'src/tools/get-digest.ts',
    from: 'unread > 0',
    to: 'unread > 9',
    caughtBy: 'test/tools/get-digest.test.ts',
    test: 'texts that could not be read',
  },
  // src/lib/spelling.ts
  ...[
    ['a misspelled argument is ignored', 'distance(a, b) <= mistakes', 'false'],
    ['swapped letters are two mistakes', 'isSwapped ? [', 'false ? ['],
  ].map(([what, from, to]) => ({
    what,
    file: 'src/lib/spelling.ts',
    from,
    to,
    caughtBy: 'test/plugins/mcp/coerce-arguments.test.ts',
  })),
  // src/plugins/mcp/coerce-arguments.ts
  ...[
    [
      'an argument that is null is not absent',
      'Object.hasOwn(given, name) && given[name] !== null',
      'Object.hasOwn(given, name)',
    ],
    [
      'an unknown argument that is null is ignored',
      'addedByFrameworks.has(name) && given[name] !== null',
      'addedByFrameworks.has(name)',
    ],
    ['a list as JSON text is one entry of it', 'fromJson(value, Array.isArray) ?? entriesOf(value)', '[value]'],
    ['a list as text is one entry', "(inPython ?? text).split(',')", '[inPython ?? text]'],
    ['an argument of another tool is ignored', 'ofOthers.includes(name)', 'false'],
    ['what frameworks add is a mistake where a tool has it', ' && !addedByFrameworks.has(name)', ''],
    [
      'a list with entries that are no text is one entry',
      "list.every((entry) => typeof entry === 'string') ? list : value",
      'list',
    ],
    [
      'ids as numbers stay numbers',
      "type === 'string' && pattern !== undefined",
      "type === 'never' && pattern !== undefined",
    ],
    ['numbers as text stay text', '.test(value.trim()) ? Number(value)', '.test(value.trim()) ? value'],
    ['booleans as text are told apart by letter case', '/^(true|false)$/i', '/^(true|false)$/'],
    ['arguments as JSON text are none', "typeof args === 'string' ?", 'false ?'],
    ['JSON text in arguments may be nested without end', ' || jsonError(Buffer.from(text)) !== undefined', ''],
    ['what frameworks add is a mistake', '.filter(isMistake)', ''],
    ['thousands of unknown arguments are compared', '.slice(0, comparedMost)', ''],
  ].map(([what, from, to]) => ({
    what,
    file: 'src/plugins/mcp/coerce-arguments.ts',
    from,
    to,
    caughtBy: 'test/plugins/mcp/coerce-arguments.test.ts',
  })),
  // src/tools/define-tool.ts
  {
    what: 'arguments reach a tool unchecked',
    file: 'src/tools/define-tool.ts',
    from: 'if (!input.Check(given)) {',
    to: 'if (!input.Check(given) && false) {',
    caughtBy: 'test/tools/define-tool.test.ts',
  },
  {
    what: 'eight unknown arguments hide all other errors',
    file: 'src/tools/define-tool.ts',
    from: 'errorsOf(Object.fromEntries(members.filter(isKnown)))',
    to: 'errorsOf(given)',
    caughtBy: 'test/tools/define-tool.test.ts',
  },
  {
    what: 'an id that is missing is looked for by every question',
    file: 'src/plugins/message-center/read-message.ts',
    from: 'maxAgeMs: recentMs',
    to: 'fresh: true',
    caughtBy: 'test/tools/get-messages.test.ts',
    test: 'looked for again after a minute',
  },
  // src/tools/get-message.ts
  {
    what: 'an id may lead to another path of Graph',
    file: 'src/plugins/message-center/message.ts',
    from: "'^MC[0-9]{1,10}$'",
    to: "'^MC[0-9]{1,10}'",
    caughtBy: 'test/tools/get-message.test.ts',
  },
  {
    what: 'one message is read without its body',
    file: 'src/tools/get-message.ts',
    from: "body = 'text'",
    to: "body = 'none'",
    caughtBy: 'test/tools/get-message.test.ts',
  },
  {
    what: 'an unknown argument is passed over',
    file: 'src/tools/get-message.ts',
    from: 'additionalProperties: false',
    to: 'additionalProperties: true',
    caughtBy: 'test/tools/index.test.ts',
  },
  // src/tools/index.ts
  {
    what: 'a tool is not listed',
    file: 'src/tools/index.ts',
    from: '  getMessage,\n',
    to: '',
    caughtBy: 'test/docs/reference.test.ts',
    test: 'the README has a row for every tool',
  },
  // src/lib/graph-permissions.ts and src/plugins/mcp/permission-errors.ts
  {
    what: 'a list of scopes has those of the first tool alone',
    file: 'src/lib/graph-permissions.ts',
    from: 'return permissionsOf(tools).map(({ scope }) =>',
    to: 'return permissionsOf(tools.slice(0, 1)).map(({ scope }) =>',
    caughtBy: 'test/tools/permissions.test.ts',
    test: 'each permission counts once',
  },
  {
    what: 'a 403 names the permission to read messages, whatever was called',
    file: 'src/plugins/mcp/permission-errors.ts',
    from: 'called.permissions.map(explainLack)',
    to: "[{ scope: 'ServiceMessage.Read.All', roles: ['Message Center Reader'], purpose: 'read' }].map(explainLack)",
    caughtBy: 'test/tools/permissions.test.ts',
    test: 'of the tool that was called, and no other',
  },
]
