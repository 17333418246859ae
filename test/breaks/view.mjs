/** The view's decisions: view/. What it shows is tested as it is built, which these do not reach. */
export const breaks = [
  {
    what: 'whatever comes after a message is taken for its address',
    file: 'view/body-text.ts',
    from: 'https:\\/\\/admin\\.microsoft\\.com\\/',
    to: 'https:\\/\\/',
    caughtBy: 'test/view/body-text.test.ts',
    test: 'a link to somewhere else',
  },
  {
    what: 'an address of any scheme is a link',
    file: 'view/body-text.ts',
    from: '(?<url>https?:\\/\\/',
    to: '(?<url>\\w+:',
    caughtBy: 'test/view/body-text.test.ts',
    test: 'an address of another scheme',
  },
  {
    what: 'quotes in quotes have no end',
    file: 'view/body-text.ts',
    from: 'depth < deepestQuote && ',
    to: '',
    caughtBy: 'test/view/body-text.test.ts',
    test: 'a text made to be slow',
  },
  {
    what: 'each cloud is a date of its own',
    file: 'view/timeline-events.ts',
    from: '[one.kind, one.ring, one.start',
    to: '[one.kind, one.cloud, one.ring, one.start',
    caughtBy: 'test/view/timeline-events.test.ts',
    test: 'dates of clouds',
  },
  {
    what: 'a deadline that the text names is shown twice',
    file: 'view/timeline-events.ts',
    from: 'day === due',
    to: 'day !== due',
    caughtBy: 'test/view/timeline-events.test.ts',
    test: 'Graph’s act-by date',
  },
]
