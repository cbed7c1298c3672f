import { expect, test } from 'vitest'
import {
  chooseArchive,
  findArchive,
  isDebian,
  isOfDebian,
  parseDeb822,
  parseOneLine,
  type Source,
} from '../../../bin/setup/apt-sources.mjs'

const source = (changes: Partial<Source>): Source => ({
  uris: ['http://mirror.example/debian'],
  suites: ['bookworm'],
  components: ['main'],
  signedBy: null,
  ...changes,
})

test.each<[string, string, Source[]]>([
  ['a plain one', 'deb http://mirror.example/debian bookworm main', [source({})]],
  [
    'its options',
    'deb [ arch=amd64,arm64 signed-by=/keys/a.gpg,/keys/b.gpg ] http://mirror.example/debian bookworm main contrib # ours',
    [source({ components: ['main', 'contrib'], signedBy: '/keys/a.gpg /keys/b.gpg' })],
  ],
  ['none that is commented out', '# deb http://mirror.example/debian bookworm main', []],
  ['none of sources', 'deb-src http://mirror.example/debian bookworm main', []],
  ['none that names no component', 'deb http://mirror.example/local ./', []],
])('a one-line file gives %s', (_, text, expected) => {
  expect(parseOneLine(`${text}\n\n`)).toEqual(expected)
})

test.each<[string, string, Source[]]>([
  [
    'two stanzas, comments within them',
    'Types: deb deb-src\n# was: elsewhere\nURIs: http://mirror.example/debian\nSuites: bookworm bookworm-updates\n' +
      'Components: main\nSigned-By: /keys/a.gpg\n\n# security\nTypes: deb\nURIs: http://mirror.example/security\n' +
      'Suites: bookworm-security\nComponents: main\n',
    [
      source({ suites: ['bookworm', 'bookworm-updates'], signedBy: '/keys/a.gpg' }),
      source({ uris: ['http://mirror.example/security'], suites: ['bookworm-security'] }),
    ],
  ],
  [
    'a key within the stanza',
    'Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm\nComponents: main\nSigned-By:\n -----BEGIN\n .\n a1b2\n -----END\n',
    [source({ signedBy: '-----BEGIN\n .\n a1b2\n -----END' })],
  ],
  [
    'fields in any case, values over two lines',
    'types: deb\nuris:\n http://mirror.example/debian\nsuites: bookworm\ncomponents:\tmain\n',
    [source({})],
  ],
  [
    'none that is switched off',
    'Types: deb\nEnabled: no\nURIs: http://mirror.example/debian\nSuites: bookworm\nComponents: main\n',
    [],
  ],
  [
    'none of sources',
    'Types: deb-src\nURIs: http://mirror.example/debian\nSuites: bookworm\nComponents: main\n',
    [],
  ],
])('a deb822 file gives %s', (_, text, expected) => {
  expect(parseDeb822(text)).toEqual(expected)
})

test.each<[string, Partial<Source>, boolean]>([
  ['its release', {}, true],
  ['an alias of a release', { suites: ['stable'] }, true],
  ['its updates', { suites: ['bookworm-updates'] }, false],
  ['another vendor’s suite', { suites: ['cloud-bookworm'] }, false],
  ['none of main', { components: ['contrib'] }, false],
  ['a disc', { uris: ['cdrom:[Debian 12]/'] }, false],
])('Debian’s archive is found by %s: %j is %s', (_, changes, found) => {
  expect(findArchive([source({ suites: ['x-updates'] }), source(changes)], 'bookworm')).toEqual(
    found ? source(changes) : null,
  )
})

test.each([
  ['PRETTY_NAME="Debian"\nID=debian\n', true],
  ['ID="debian"', true],
  ['ID=ubuntu\nID_LIKE=debian\n', false],
  ['', false],
])('the machine of %j is Debian: %s', (release, expected) => {
  expect(isDebian(release)).toBe(expected)
})

test.each([
  [['http://mirror.example/debian'], true],
  [['https://mirror.example/pub/debian/'], true],
  [['http://mirror.example/ubuntu/'], false],
  [['http://mirror.example/debian', 'http://mirror.example/ubuntu'], false],
  [[], false],
])('elsewhere, %j is Debian’s archive: %s', (uris, expected) => {
  expect(isOfDebian(source({ uris }))).toBe(expected)
})

const mirror = 'http://named.example/debian'
const [found, keyring] = [source({ signedBy: '/keys/a.gpg' }), '/keys/debian.gpg']
test.each([
  ['the machine’s own source', { mirror: undefined, found, keyring }, found],
  [
    'a named mirror, signed as the machine’s own',
    { mirror, found, keyring },
    { uris: [mirror], signedBy: '/keys/a.gpg' },
  ],
  [
    'a named mirror, signed by Debian',
    { mirror, found: null, keyring },
    { uris: [mirror], signedBy: keyring },
  ],
  ['no mirror', { mirror: undefined, found: null, keyring }, { missing: 'mirror' }],
  ['no keys for it', { mirror, found: null, keyring: null }, { missing: 'keyring' }],
])('Redis and Valkey come from %s', (_, known, expected) => {
  expect(chooseArchive(known)).toEqual(expected)
})
