import { describe, expect, it } from 'vitest'
import { parseConfig } from '../../../core/config.ts'
import { ConfigError, type ConfigProblem, formatProblems } from '../../../core/config-problems.ts'

const SECRET = 'hunter2-secret'

function problemsOf(text: string, env: Record<string, string> = {}): ConfigProblem[] {
  try {
    parseConfig(text, env)
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
  return []
}

const cache = (lines: string[], name = 'shop') =>
  ['caches:', `  - name: ${name}`, ...lines.map((line) => `    ${line}`), ''].join('\n')
const NODES = 'nodes: [redis://127.0.0.1:7001]'

describe('parseConfig', () => {
  it('fills in the defaults', () => {
    expect(parseConfig(cache(['kind: cluster', NODES]), {})).toEqual({
      caches: [
        {
          cacheId: 'shop',
          kind: 'cluster',
          seeds: [{ host: '127.0.0.1', port: 7001, address: '127.0.0.1:7001' }],
          username: null,
          password: null,
          tls: null,
          intervalMs: 2_000,
          sentinel: null,
          hotKeys: { enabled: true, budget: 0.01, maxLatencyMs: 20, nodes: new Map() },
          mitigations: { enabled: false, username: null, password: null, proofWindowMs: 60_000 },
        },
      ],
      retention: {
        rawMs: 172_800_000,
        minutesMs: 2_592_000_000,
        hoursMs: 34_560_000_000,
        keysMs: 2_592_000_000,
      },
      dashboard: { host: '127.0.0.1', port: 3000 },
    })
  })

  it('reads everything that may be said', () => {
    const config = parseConfig(
      [
        'caches:',
        '  - name: sessions',
        '    kind: standalone',
        '    nodes: ["rediss://[::1]:6380", rediss://cache_1.internal]',
        '    username: watcher',
        `    password: \${PASSWORD}`,
        '    tls: { ca: /etc/ca.pem, servername: cache, rejectUnauthorized: false }',
        '    interval: 500m',
        '    hotKeys: { enabled: false, budget: 0.5% }',
        'retention: { raw: 12h, minutes: 7d, hours: 90d, keys: 1d }',
        'dashboard: { host: localhost, port: 8080 }',
      ]
        .join('\n')
        .replace('500m', '60s'),
      { PASSWORD: SECRET },
    )
    expect(config.caches[0]).toMatchObject({
      seeds: [
        { host: '::1', port: 6380, address: '[::1]:6380' },
        { host: 'cache_1.internal', port: 6379, address: 'cache_1.internal:6379' },
      ],
      username: 'watcher',
      password: SECRET,
      tls: { caPath: '/etc/ca.pem', servername: 'cache', rejectUnauthorized: false },
      intervalMs: 60_000,
      hotKeys: { enabled: false, budget: 0.005 },
    })
    expect(config.retention.rawMs).toBe(43_200_000)
    expect(config.dashboard).toEqual({ host: 'localhost', port: 8080 })
  })

  it('reads a cache behind Sentinels, which have a user of their own', () => {
    const text = cache([
      'kind: sentinel',
      'nodes: [redis://10.0.0.1:26379, redis://10.0.0.2:26379]',
      'master: mymaster',
      'username: watcher',
      'password: data',
      'sentinelPassword: guard',
    ])
    expect(parseConfig(text, {}).caches[0]).toMatchObject({
      kind: 'sentinel',
      seeds: [{ address: '10.0.0.1:26379' }, { address: '10.0.0.2:26379' }],
      username: 'watcher',
      password: 'data',
      sentinel: { masterName: 'mymaster', username: null, password: 'guard' },
    })
    const inUrl = cache(['kind: sentinel', 'nodes: [redis://me:guard@s:1]', 'master: m'])
    expect(parseConfig(inUrl, {}).caches[0]).toMatchObject({
      username: null,
      password: null,
      sentinel: { masterName: 'm', username: 'me', password: 'guard' },
    })
  })

  it('watches two deployments of the same Sentinels', () => {
    const one = cache(['kind: sentinel', NODES, 'master: a'])
    const other = `  - name: other\n    kind: sentinel\n    ${NODES}\n    master: b\n`
    expect(parseConfig(one + other, {}).caches).toHaveLength(2)
    expect(problemsOf(one + other.replace('master: b', 'master: a'))).toMatchObject([
      { path: 'caches[1].nodes[0]', message: expect.stringMatching(/is a node of caches\[0\] already/) },
    ])
  })

  it('takes user and password from a URL, percent-decoded', () => {
    const config = parseConfig(cache(['kind: standalone', 'nodes: ["redis://me:p%40ss@h:1"]']), {})
    expect(config.caches[0]).toMatchObject({ username: 'me', password: 'p@ss' })
  })

  it('allows an empty list of caches', () => {
    expect(parseConfig('caches: []\n', {}).caches).toEqual([])
  })

  it.each<[string, string, [number, number, string, RegExp][]]>([
    ['an empty file', '', [[1, 1, '', /is empty/]]],
    ['only a comment', '# nothing\n', [[1, 1, '', /is empty/]]],
    ['a list', '- a\n', [[1, 1, '', /block of settings: caches/]]],
    ['no caches', 'retention: {}\n', [[1, 1, 'caches', /is missing/]]],
    [
      'an unknown key',
      cache(['kind: cluster', NODES, 'intervall: 2s']),
      [[5, 5, 'caches[0].intervall', /did you mean interval\?/]],
    ],
    [
      'an unknown key far from all',
      `${cache(['kind: cluster', NODES])}zzzzzz: 1\n`,
      [[5, 1, 'zzzzzz', /known here: caches, retention, dashboard/]],
    ],
    [
      'an unknown key of a block',
      cache(['kind: cluster', NODES, 'hotKeys: { budgte: 1% }']),
      [[5, 16, 'caches[0].hotKeys.budgte', /did you mean budget/]],
    ],
    [
      'another case of a key',
      cache(['kind: cluster', NODES, 'hotkeys: {}']),
      [[5, 5, 'caches[0].hotkeys', /did you mean hotKeys/]],
    ],
    [
      'a kind of later',
      cache(['kind: memcached', NODES]),
      [[3, 11, 'caches[0].kind', /not supported by this version yet/]],
    ],
    [
      'no such kind',
      cache(['kind: redis', NODES]),
      [[3, 11, 'caches[0].kind', /standalone, sentinel or cluster/]],
    ],
    [
      'a Sentinel without a name',
      cache(['kind: sentinel', NODES]),
      [[3, 11, 'caches[0].kind', /needs master: beside it/]],
    ],
    [
      'settings of Sentinels elsewhere',
      cache(['kind: cluster', NODES, 'master: mymaster', 'sentinelPassword: x']),
      [
        [5, 5, 'caches[0].master', /is for kind: sentinel only/],
        [6, 5, 'caches[0].sentinelPassword', /is for kind: sentinel only/],
      ],
    ],
    [
      'a user of Sentinels alone',
      cache(['kind: sentinel', NODES, 'master: m', 'sentinelUsername: me']),
      [[6, 23, 'caches[0].sentinelUsername', /needs a sentinelPassword/]],
    ],
    ['a missing kind', cache([NODES]), [[2, 5, 'caches[0].kind', /is missing/]]],
    ['an empty value', cache(['kind:', NODES]), [[3, 5, 'caches[0].kind', /is empty/]]],
    ['a bad name', cache(['kind: cluster', NODES], 'My_Shop'), [[2, 11, 'caches[0].name', /lower-case/]]],
    ['no nodes', cache(['kind: cluster', 'nodes: []']), [[4, 12, 'caches[0].nodes', /at least one/]]],
    [
      'text for a list',
      cache(['kind: cluster', 'nodes: redis://a:1']),
      [[4, 12, 'caches[0].nodes', /is a list/]],
    ],
    [
      'a port out of range',
      cache(['kind: cluster', 'nodes: [redis://a:70000]']),
      [[4, 13, 'caches[0].nodes[0]', /port 70000/]],
    ],
    [
      'a port that is none',
      cache(['kind: cluster', 'nodes: [redis://a:x]']),
      [[4, 13, 'caches[0].nodes[0]', /not a number/]],
    ],
    [
      'no scheme',
      cache(['kind: cluster', 'nodes: [10.0.0.1:7001]']),
      [[4, 13, 'caches[0].nodes[0]', /redis:\/\/10\.0\.0\.1:7001/]],
    ],
    [
      'another scheme',
      cache(['kind: cluster', 'nodes: [http://a]']),
      [[4, 13, 'caches[0].nodes[0]', /http:\/\/ is not supported/]],
    ],
    [
      'a database',
      cache(['kind: cluster', 'nodes: [redis://a:1/3]']),
      [[4, 13, 'caches[0].nodes[0]', /names a database/]],
    ],
    [
      'no host',
      cache(['kind: cluster', 'nodes: ["redis://:1"]']),
      [[4, 13, 'caches[0].nodes[0]', /no valid host/]],
    ],
    [
      'a node twice',
      cache(['kind: cluster', 'nodes: [redis://a:1, redis://a:1]']),
      [[4, 26, 'caches[0].nodes[1]', /listed twice/]],
    ],
    [
      'mixed TLS',
      cache(['kind: cluster', 'nodes: [redis://a:1, rediss://b:1]']),
      [[4, 26, 'caches[0].nodes[1]', /mixes/]],
    ],
    [
      'TLS without rediss',
      cache(['kind: cluster', NODES, 'tls: { ca: x }']),
      [[5, 10, 'caches[0].tls', /write rediss/]],
    ],
    [
      'a user without password',
      cache(['kind: cluster', NODES, 'username: x']),
      [[5, 15, 'caches[0].username', /needs a password/]],
    ],
    [
      'an interval too long',
      cache(['kind: cluster', NODES, 'interval: 61s']),
      [[5, 15, 'caches[0].interval', /between 1s and 60s/]],
    ],
    [
      'an interval too short',
      cache(['kind: cluster', NODES, 'interval: 500ms']),
      [[5, 15, 'caches[0].interval', /between 1s and 60s/]],
    ],
    [
      'an interval without unit',
      cache(['kind: cluster', NODES, 'interval: 2']),
      [[5, 15, 'caches[0].interval', /with its unit/]],
    ],
    [
      'a budget too big',
      cache(['kind: cluster', NODES, 'hotKeys: { budget: 50% }']),
      [[5, 24, 'caches[0].hotKeys.budget', /between 0.1% and 10%/]],
    ],
    [
      'a latency too long',
      cache(['kind: cluster', NODES, 'hotKeys: { maxLatency: 1s }']),
      [[5, 28, 'caches[0].hotKeys.maxLatency', /between 5ms and 500ms/]],
    ],
    [
      'a budget of a node too big',
      cache(['kind: cluster', NODES, 'hotKeys: { nodes: { "a:1": { budget: 50% } } }']),
      [[5, 42, 'caches[0].hotKeys.nodes.a:1.budget', /between 0.1% and 10%/]],
    ],
    [
      'an unknown setting of a node',
      cache(['kind: cluster', NODES, 'hotKeys: { nodes: { "a:1": { buget: 1% } } }']),
      [[5, 34, 'caches[0].hotKeys.nodes.a:1.buget', /did you mean budget/]],
    ],
    [
      'a node of two caches',
      `${cache(['kind: cluster', NODES])}  - name: other\n    kind: standalone\n    ${NODES}\n`,
      [[7, 13, 'caches[1].nodes[0]', /is a node of caches\[0\] already/]],
    ],
    [
      'a number for a password',
      cache(['kind: cluster', NODES, 'password: 123']),
      [[5, 15, 'caches[0].password', /quote it/]],
    ],
    [
      'a variable not set',
      cache(['kind: cluster', NODES, `password: \${NOPE}`]),
      [[5, 15, 'caches[0].password', /variable NOPE, which is not set/]],
    ],
    [
      'a variable in a list',
      cache(['kind: cluster', `nodes: [redis://a:1, "\${URL}"]`]),
      [[4, 26, 'caches[0].nodes[1]', /variable URL/]],
    ],
    [
      'a duplicate key',
      cache(['kind: cluster', NODES, 'kind: cluster']),
      [[5, 5, '', /kind is given twice/]],
    ],
    ['tabs', 'caches:\n\t- name: x\n', [[2, 1, '', /Tabs may not indent/]]],
    ['an unknown alias', 'caches: *nothing\n', [[1, 1, '', /aliases/]]],
    [
      'a dashboard for all the world',
      'caches: []\ndashboard: { host: 0.0.0.0 }\n',
      [[2, 20, 'dashboard.host', /loopback/]],
    ],
    ['a dashboard port', 'caches: []\ndashboard: { port: 0 }\n', [[2, 20, 'dashboard.port', /1 and 65535/]]],
    ['a number for a block', 'caches: []\nretention: 3\n', [[2, 12, 'retention', /block of settings/]]],
  ])('tells of %s', (_, text, expected) => {
    const problems = problemsOf(text)
    expect(problems.length, formatProblems('f', problems)).toBeGreaterThanOrEqual(1)
    for (const [line, column, path, message] of expected) {
      expect(problems).toContainEqual({ line, column, path, message: expect.stringMatching(message) })
    }
  })

  it('takes a budget for each node', () => {
    const [first] = parseConfig(
      cache([
        'kind: cluster',
        NODES,
        'hotKeys: { budget: 2%, nodes: { "a:1": { enabled: false }, "b:2": { budget: 0.5% } } }',
      ]),
      {},
    ).caches
    expect(first?.hotKeys.nodes).toEqual(
      new Map([
        ['a:1', { enabled: false, budget: 0.02 }],
        ['b:2', { enabled: true, budget: 0.005 }],
      ]),
    )
  })

  it('tells of everything at once, in the order of the file', () => {
    const problems = problemsOf(
      [
        'caches:',
        '  - name: shop',
        '    kind: memcached',
        '    nodes: [redis://a:99999, ftp://b]',
        '    intervall: 2s',
        '  - name: shop',
        '    kind: cluster',
        '    nodes: [redis://a:1]',
        '    interval: 1h',
        'retenton: {}',
        'dashboard: { port: x }',
      ].join('\n'),
    )
    expect(problems.map(({ line, path }) => `${line} ${path}`)).toEqual([
      '3 caches[0].kind',
      '4 caches[0].nodes[0]',
      '4 caches[0].nodes[1]',
      '5 caches[0].intervall',
      '6 caches[1].name',
      '9 caches[1].interval',
      '10 retenton',
      '11 dashboard.port',
    ])
  })

  it('tells of a wrong setting before a syntax error, and of no consequence of the error', () => {
    const problems = problemsOf('caches:\n  - nmae: shop\n    kind: cluster\n    nodes: [redis://a:1\n')
    expect(problems.map(({ path }) => path)).toEqual(['caches[0].nmae', ''])
    expect(problems[1]?.message).toMatch(/Not valid YAML/)
  })

  it.each([
    ['a URL with a bad port', cache(['kind: cluster', `nodes: ["redis://me:${SECRET}@a:99999"]`])],
    ['a URL with no host', cache(['kind: cluster', `nodes: ["redis://me:${SECRET}@"]`])],
    ['a URL without a scheme', cache(['kind: cluster', `nodes: ["me:${SECRET}@host"]`])],
    ['a bad escape', cache(['kind: cluster', `nodes: ["redis://me:${SECRET}%zz@a:1"]`])],
    ['a broken file', cache(['kind: cluster', `password: "${SECRET}`])],
    ['two passwords', cache(['kind: cluster', `nodes: ["redis://:${SECRET}@a:1"]`, `password: ${SECRET}2`])],
    ['a password that is a list', cache(['kind: cluster', NODES, `password: [${SECRET}]`])],
  ])('never repeats a password: %s', (_, text) => {
    const problems = problemsOf(text)
    expect(problems).not.toEqual([])
    expect(formatProblems('cachescope.yaml', problems)).not.toContain(SECRET)
  })

  it('leaves an escaped reference alone', () => {
    const config = parseConfig(cache(['kind: cluster', NODES, `password: "$\${X}"`]), {})
    expect(config.caches[0]?.password).toBe(`\${X}`)
  })

  it('formats a problem as a compiler would', () => {
    const problems = [{ line: 3, column: 5, path: 'caches[0].kind', message: 'is missing' }]
    expect(formatProblems('cachescope.yaml', problems)).toBe('cachescope.yaml:3:5: caches[0].kind is missing')
  })
})
