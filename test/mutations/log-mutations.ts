/** What `lib/log` does so that bytes survive, switched off. By invariant. */
import type { Mutation } from './mutation.js'

export const logMutations: readonly Mutation[] = [
  {
    name: 'what stands between two records of a batch is written with them',
    invariants: [],
    file: 'lib/log/commit/record-buffer.js',
    find: 'else if (from !== end)',
    replace: 'else if (false)',
    caughtBy: {
      file: 'log/commit/record-buffer',
      name: 'records of a batch with other bytes between them are not written in one piece',
    },
  },
  {
    name: 'a record that is begun while another is written takes its place',
    invariants: [],
    file: 'lib/log/commit/record-buffer.js',
    find: 'if (this.from !== -1)',
    replace: 'if (false)',
    caughtBy: {
      file: 'log/commit/record-buffer',
      name: 'a record that begins while another is written stands elsewhere, and leaves that one alone',
    },
  },
  {
    name: 'who keeps a record keeps its buffer, for as long as it likes',
    invariants: [],
    file: 'lib/log/commit/record-buffer.js',
    find: 'this.#leave(earlier);',
    replace: '',
    caughtBy: {
      file: 'log/commit/record-buffer',
      name: 'the keeper of a record is told once when no other record will use its buffer',
    },
  },
  {
    name: 'a message that was encoded within another keeps its buffer alive',
    invariants: [],
    file: 'lib/log/commit/record-buffer.js',
    find: 'this.#leave(bytes);',
    replace: '',
    caughtBy: {
      file: 'log/commit/record-buffer',
      name: 'the keeper of a record encoded within another one is told when the other goes on',
    },
  },
  {
    name: 'a message whose buffer is full already is kept in it',
    invariants: [],
    file: 'lib/store/index/record-cache.js',
    find: '!recordBuffer.sharesMemory(record)',
    replace: 'false',
    caughtBy: {
      file: 'store/index/record-cache',
      name: 'a message keeps no other’s memory alive: its record is copied when its buffer is full',
    },
  },
  {
    name: 'an earlier format version is read as this one',
    invariants: [7],
    file: 'lib/log/format/format.js',
    find: 'if (version === FORMAT_VERSION)',
    replace: 'if (version <= FORMAT_VERSION)',
    caughtBy: { file: 'log/format/format', name: 'a segment of another format version is refused by name' },
  },
  {
    name: 'an epoch exceeds owners only, not every name',
    invariants: [1, 2],
    file: 'lib/log/lock/claim.js',
    find: '[OWNERS, MANIFESTS, QUARANTINE, ...logs]',
    replace: '[OWNERS]',
    caughtBy: { file: 'log/lock/claim', name: 'an epoch exceeds every epoch in any name of the directory' },
  },
  {
    name: 'of two openers that claim one epoch both keep it',
    invariants: [1, 3],
    file: 'lib/log/lock/claim.js',
    find: 'epochIn(other) >= epoch',
    replace: 'epochIn(other) > epoch',
    caughtBy: { file: 'log/lock/claim', name: 'no two openers get the same epoch' },
  },
  {
    name: 'no sync of an owner file',
    invariants: [1, 9],
    file: 'lib/log/lock/claim.js',
    find: 'await file.sync();',
    replace: '',
    caughtBy: { file: 'log/lock/claim', name: 'the first claim of a directory has epoch 1 and is durable' },
  },
  {
    name: 'no sync of the directory of owners',
    invariants: [1, 9],
    file: 'lib/log/lock/claim.js',
    find: 'await fileSystem.syncDirectory(join(root, OWNERS));',
    replace: '',
    caughtBy: { file: 'log/lock/claim', name: 'the first claim of a directory has epoch 1 and is durable' },
  },
  {
    name: 'after a claim no one looks for a higher one',
    invariants: [1, 3],
    file: 'lib/log/lock/claim.js',
    find: 'others.some(other => epochIn(other) >= epoch)',
    replace: 'false',
    caughtBy: {
      file: 'log/lock/claim',
      name: 'an opener that finds a higher claim than its own claims a higher one',
    },
  },
  {
    name: 'lower owner files stay',
    invariants: [1, 3],
    file: 'lib/log/lock/claim.js',
    find: 'await unlinkIfThere(fileSystem, join(root, OWNERS, other));',
    replace: '{}',
    caughtBy: {
      file: 'log/lock/claim',
      name: 'a claim removes every lower owner file, after its own is durable',
    },
  },
  {
    name: 'a claim is over before lower owner files are gone',
    invariants: [1, 3],
    file: 'lib/log/lock/claim.js',
    find: 'await unlinkIfThere(fileSystem, join(root, OWNERS, other));',
    replace: 'void unlinkIfThere(fileSystem, join(root, OWNERS, other));',
    caughtBy: {
      file: 'log/lock/claim',
      name: 'a claim removes every lower owner file, after its own is durable',
    },
  },
  {
    name: 'names are given twice within an epoch',
    invariants: [1],
    file: 'lib/log/directory/directory-context.js',
    find: 'this.#ordinal += 1;',
    replace: 'this.#ordinal ||= 1;',
    caughtBy: {
      file: 'log/manifest/manifest-publisher',
      name: 'a published manifest is durable, and the older ones are gone',
    },
  },
  {
    name: 'the next sequence of a manifest is forgotten',
    invariants: [2],
    file: 'lib/log/recovery/tail-scan.js',
    find: 'let nextSequence = entry?.nextSequence ?? 1;',
    replace: 'let nextSequence = 1;',
    caughtBy: {
      file: 'log/recovery/recover',
      name: 'a closed segment that ends too early, or in zeros, is corruption',
    },
  },
  {
    name: 'void frames do not keep their sequences',
    invariants: [2],
    file: 'lib/log/recovery/tail-scan.js',
    find: 'nextSequence = Math.max(nextSequence, tail.lastSequence + 1);',
    replace: '',
    caughtBy: {
      file: 'log/recovery/recover',
      name: 'a torn last frame is dropped and counted as a tear, not reported as corruption',
    },
  },
  {
    name: 'the header of a damaged frame does not keep its sequence',
    invariants: [2],
    file: 'lib/log/recovery/tail-scan.js',
    find: `if (header !== undefined)
            this.lastSequence = Math.max(this.lastSequence, header.sequence);`,
    replace: '',
    caughtBy: {
      file: 'log/recovery/recover',
      name: 'a torn last frame is dropped and counted as a tear, not reported as corruption',
    },
  },
  {
    name: 'headers of segments do not keep sequences',
    invariants: [2],
    file: 'lib/log/recovery/tail-scan.js',
    find: 'nextSequence = Math.max(nextSequence, candidate.segment.firstSequence);',
    replace: '',
    caughtBy: {
      file: 'log/recovery/recover',
      name: 'without a manifest the next sequence exceeds every sequence in a header',
    },
  },
  {
    name: 'sequences that outcomes name are given again',
    invariants: [2],
    file: 'lib/log/recovery/recover.js',
    find: 'Math.max(log.nextSequence, this.#visitor.nextSequenceAtLeast(spec.name))',
    replace: 'log.nextSequence',
    caughtBy: {
      file: 'log/recovery/recover',
      name: 'no sequence that a record of another log names is given again',
    },
  },
  {
    name: 'a manifest names a next sequence that was given already',
    invariants: [2],
    file: 'lib/log/segment-log.js',
    find: 'nextSequence: this.nextSequence,',
    replace: 'nextSequence: 1,',
    caughtBy: {
      file: 'log/recovery/recover',
      name: 'a closed segment that ends too early, or in zeros, is corruption',
    },
  },
  {
    name: 'no fence check before an append is accepted',
    invariants: [3],
    file: 'lib/log/commit/group-commit.js',
    find: `#accept(batch) {
        try {
            this.#directory.fence.check();`,
    replace: `#accept(batch) {
        try {`,
    caughtBy: {
      file: 'log/commit/failures',
      name: 'once the fence is lost, waiting appends are refused, and the files are closed',
    },
  },
  {
    name: 'no fence check in a sync',
    invariants: [3],
    file: 'lib/log/commit/group-commit.js',
    find: `await sync();
        this.#directory.fence.check();`,
    replace: 'await sync();',
    caughtBy: { file: 'log/lock/replaced-owner', name: 'a replaced owner confirms no outcome as synced' },
  },
  {
    name: 'no fence check after a manifest',
    invariants: [3],
    file: 'lib/log/manifest/manifest-publisher.js',
    find: `directory.fence.check();
        this.#undecided = false;`,
    replace: 'this.#undecided = false;',
    caughtBy: {
      file: 'log/manifest/manifest-publisher',
      name: 'an owner that lost the directory while its manifest became durable refuses to rely on it',
    },
  },
  {
    name: 'no fence check before an older manifest is removed',
    invariants: [3],
    file: 'lib/log/manifest/manifest-publisher.js',
    find: `if (!directory.fence.stands())
                return;`,
    replace: '',
    caughtBy: {
      file: 'log/manifest/manifest-publisher',
      name: 'an owner that loses the directory while it removes older manifests stops removing them',
    },
  },
  {
    name: 'no fence check before a segment is removed',
    invariants: [3],
    file: 'lib/log/segment/segment-set.js',
    find: 'this.#directory.fence.check();',
    replace: '',
    caughtBy: { file: 'log/lock/replaced-owner', name: 'a replaced owner removes no further segment' },
  },
  {
    name: 'no fence check before void files are removed',
    invariants: [3],
    file: 'lib/log/log-directory.js',
    find: 'this.#closing !== undefined || !directory.fence.stands()',
    replace: 'this.#closing !== undefined',
    caughtBy: { file: 'log/lock/replaced-owner', name: 'a replaced owner removes no further void file' },
  },
  {
    name: 'no fence check before a zero-filled stretch is given back',
    invariants: [1, 3],
    file: 'lib/log/commit/rotation.js',
    find: 'this.#directory.fence.check();',
    replace: '',
    caughtBy: { file: 'log/lock/replaced-owner', name: 'a replaced owner changes no file when it closes' },
  },
  {
    name: 'a fence that fell stands again',
    invariants: [3],
    file: 'lib/log/lock/fence.js',
    find: 'if (this.#lost !== undefined || this.#closed)',
    replace: 'if (false)',
    caughtBy: { file: 'log/lock/fence', name: 'once the owner file is gone, the fence is lost for good' },
  },
  {
    name: 'a fence never falls',
    invariants: [3],
    file: 'lib/log/lock/fence.js',
    find: 'return (found !== undefined &&',
    replace: 'return true || (found !== undefined &&',
    caughtBy: { file: 'log/lock/fence', name: 'once the owner file is gone, the fence is lost for good' },
  },
  // ── Identity: what an owner looks for is its own ─────────────────────────────────────────────────────────────
  {
    name: 'the fence does not compare inodes',
    invariants: [3],
    file: 'lib/log/lock/fence.js',
    find: 'found.number === made.number &&',
    replace: '',
    caughtBy: {
      file: 'log/lock/fence',
      name: 'the fence is lost where a restored copy of the directory has our owner file',
    },
  },
  {
    name: 'the fence does not count links',
    invariants: [3],
    file: 'lib/log/lock/fence.js',
    find: 'found.links === made.links',
    replace: 'true',
    caughtBy: {
      file: 'log/lock/fence',
      name: 'the fence is lost where our owner file gets a second name: the directory is being copied by links',
    },
  },
  {
    name: 'the owner file is not held open',
    invariants: [3],
    file: 'lib/log/lock/fence.js',
    find: 'this.#made = file.inodeSync();',
    replace: 'this.#made = file.inodeSync(); file.close();',
    caughtBy: {
      file: 'log/lock/fence',
      name: 'a new owner file under the same name is not taken for ours, which is held open',
    },
  },
  {
    name: 'all owners have one name',
    invariants: [15],
    file: 'lib/log/format/names.js',
    find: "return randomBytes(TOKEN_BYTES).toString('hex');",
    replace: "return 'a'.repeat(16);",
    caughtBy: {
      file: 'log/lock/replaced-directory',
      name: 'a call that slips into a directory made anew after the check leaves nothing there',
    },
  },
  {
    name: 'what a call created that slipped into another directory stays there',
    invariants: [3, 15],
    file: 'lib/log/directory/directory-context.js',
    find: 'if (this.fence.stands())\n            return file;',
    replace: 'return file;',
    caughtBy: {
      file: 'log/lock/replaced-directory',
      name: 'a call that slips into a directory made anew after the check leaves nothing there',
    },
  },
  {
    name: 'no fence check before a manifest gets its name',
    invariants: [3, 16],
    file: 'lib/log/manifest/manifest-publisher.js',
    find: `directory.fence.check();
        try {`,
    replace: 'try {',
    caughtBy: {
      file: 'log/lock/replaced-directory',
      name: 'an owner renames no manifest once its directory is gone',
    },
  },
  {
    name: 'a manifest of another directory may be in force',
    invariants: [16],
    file: 'lib/log/manifest/current-manifest.js',
    find: 'if (!isVoid)',
    replace: 'if (true)',
    caughtBy: {
      file: 'log/lock/replaced-directory',
      name: 'a manifest of another directory is void, whatever its epoch, and is removed',
    },
  },
  {
    name: 'every life gives the directory another identity',
    invariants: [16],
    file: 'lib/log/log-directory.js',
    find: 'known ?? newIdentity()',
    replace: 'newIdentity()',
    caughtBy: {
      file: 'log/lock/replaced-directory',
      name: 'every manifest of a directory bears one identity, and every directory another',
    },
  },
  {
    name: 'the name that tells which directory it is stays away',
    invariants: [16],
    file: 'lib/log/log-directory.js',
    find: 'if ((await directory.fileSystem.stat(path)) === undefined)',
    replace: 'if (false)',
    caughtBy: {
      file: 'log/lock/replaced-directory',
      name: 'the newest manifest identifies a directory whose identity file is missing',
    },
  },
  {
    name: 'an opening removes files of a later owner',
    invariants: [15],
    file: 'lib/log/log-directory.js',
    find: 'id.epoch < epoch && !counted.has(file)',
    replace: '!counted.has(file)',
    caughtBy: {
      file: 'log/lock/replaced-directory',
      name: 'an opening removes no file of a higher epoch than its own',
    },
  },
  {
    name: 'the ballast is looked for by its path each time',
    invariants: [14, 15],
    file: 'lib/log/directory/ballast.js',
    find: 'const file = this.#file ?? (await this.#find());',
    replace: 'const file = await this.#find();',
    caughtBy: {
      file: 'log/lock/replaced-directory',
      name: 'an owner shrinks the ballast that it has open, not the one in a directory made anew',
    },
  },
  {
    name: 'no fence check before the ballast is shrunk',
    invariants: [3, 14],
    file: 'lib/log/directory/directory-context.js',
    find: 'this.fence.check();',
    replace: '',
    caughtBy: {
      file: 'log/manifest/manifest-publisher',
      name: 'an owner that lost the directory on a full disk does not shrink its successor’s ballast',
    },
  },
  {
    name: 'ballasts that slipped in stay',
    invariants: [15],
    file: 'lib/log/log-directory.js',
    find: 'if (name !== ballast.name)',
    replace: 'if (false)',
    caughtBy: {
      file: 'log/lock/replaced-directory',
      name: 'a ballast that a slipped-in call left is removed by the next opening',
    },
  },
  {
    name: 'no fence check before the owner file is removed at the close',
    invariants: [3, 15],
    file: 'lib/log/log-directory.js',
    find: 'if (fence.stands())\n        await fileSystem.unlink(ownerFile)',
    replace: 'await fileSystem.unlink(ownerFile)',
    caughtBy: {
      file: 'log/lock/replaced-directory',
      name: 'a close leaves the owner file in a restored copy of the directory',
    },
  },
  {
    name: 'a step that fails in a directory that is gone tells of the disk',
    invariants: [3],
    file: 'lib/log/directory/directory-context.js',
    find: 'if (!this.fence.stands())\n            this.fence.lose(error);',
    replace: '',
    caughtBy: {
      file: 'log/lock/replaced-directory',
      name: 'a read that fails because its directory is gone rejects with WAQ_LOCK_LOST',
    },
  },
  {
    name: 'a fresh volume is taken for a stranger’s directory',
    invariants: [1],
    file: 'lib/log/directory/prepare-directory.js',
    find: 'name !== LOST_AND_FOUND',
    replace: 'true',
    caughtBy: {
      file: 'log/directory/prepare-directory',
      name: 'the files of a fresh volume do not make its directory a stranger’s',
    },
  },
  {
    name: 'whoever waits is not told that the fence fell',
    invariants: [3],
    file: 'lib/log/commit/group-commit.js',
    find: 'directory.fence.onLost(error => this.#end(error));',
    replace: '',
    caughtBy: {
      file: 'log/commit/failures',
      name: 'once the fence is lost, waiting appends are refused, and the files are closed',
    },
  },
  {
    name: 'a lost lock is not noticed by the fence',
    invariants: [3],
    file: 'lib/log/log-directory.js',
    find: 'parts.lock.onLost(cause => directory.fence.lose(cause));',
    replace: '',
    caughtBy: {
      file: 'log/lock/replaced-owner',
      name: 'an owner that learns from the lock that it was replaced accepts nothing',
    },
  },
  {
    name: 'a replaced owner removes the lock of its successor',
    invariants: [3],
    file: 'lib/log/lock/lock-directory.js',
    find: 'if (this.stands())',
    replace: 'if (true)',
    caughtBy: { file: 'log/lock/lock-lost', name: 'a replaced owner does not remove its successor’s lock' },
  },
  {
    name: 'a replaced owner does not learn it from its lock',
    invariants: [3],
    file: 'lib/log/lock/held-lock.js',
    find: 'if (isOurs && this.#made?.stands() === true)',
    replace: 'if (true)',
    caughtBy: { file: 'log/lock/lock-lost', name: 'a replaced owner learns of it once', hangs: true },
  },
  {
    name: 'the lock of a living owner is taken over',
    invariants: [3],
    file: 'lib/log/lock/lock.js',
    find: "if (isStale || liveness === 'dead')",
    replace: 'if (true)',
    caughtBy: { file: 'log/lock/lock', name: 'a living owner keeps its lock, and is named' },
  },
  {
    name: 'the wait for the lock counts as time of the opening',
    invariants: [],
    file: 'lib/store/log-store.js',
    find: 'durationMs: monotonicNow() - startedAt - logs.lockWaitMs,',
    replace: 'durationMs: monotonicNow() - startedAt,',
    caughtBy: {
      file: 'queue/lifecycle',
      name: 'the wait for the lock is reported apart from the duration of the opening',
    },
  },
  {
    name: 'an error of another copy of the package is a stranger',
    invariants: [],
    file: 'lib/log/errors/brand.js',
    find: "return typeof value === 'object' && value !== null && value[key] === true;",
    replace: 'return Function.prototype[Symbol.hasInstance].call(branded, value);',
    caughtBy: {
      file: 'log/recovery/copies',
      name: 'an error of one copy of the package is recognised by instanceof in another',
    },
  },
  {
    name: 'a class that extends an error of the package takes every such error for its own',
    invariants: [],
    file: 'lib/log/errors/brand.js',
    find: `if (this !== branded)
                return Function.prototype[Symbol.hasInstance].call(this, value);`,
    replace: '',
    caughtBy: {
      file: 'log/recovery/copies',
      name: 'instanceof accepts only errors of the package and its copies',
    },
  },
  // ── Root leaves files to the directory's user ────────────────────────────────────────────────────────────────
  {
    name: 'root keeps the files that it creates',
    invariants: [],
    file: 'lib/log/fs/hand-over.js',
    find: 'await fchown(file, user.uid, user.gid);',
    replace: ';',
    caughtBy: {
      file: 'safety/root',
      name: 'files that root creates in a user’s directory belong to that user',
    },
    needsRoot: true,
  },
  {
    name: 'root keeps the directories that it creates',
    invariants: [],
    file: 'lib/log/fs/hand-over.js',
    find: 'await fchown(directory, user.uid, user.gid);',
    replace: ';',
    caughtBy: {
      file: 'safety/root',
      name: 'files that root creates in a user’s directory belong to that user',
    },
    needsRoot: true,
  },
  {
    name: 'root creates by a path that may lead elsewhere by now',
    invariants: [],
    file: 'lib/log/fs/hand-over.js',
    find: 'return await create(place, { uid, gid });',
    replace: 'return await create(path, { uid, gid });',
    caughtBy: {
      file: 'safety/root',
      name: 'root creates files in the directory that it checked, whatever has its path by then',
    },
    needsRoot: true,
  },
  {
    name: 'root gives away what it did not make',
    invariants: [],
    file: 'lib/log/fs/hand-over.js',
    find: 'if (isOurs && isEmpty)',
    replace: 'if (true)',
    caughtBy: {
      file: 'safety/root',
      name: 'root gives away no directory that was put in the place of its new one',
    },
    needsRoot: true,
  },
  {
    name: 'an opener without a lock shrinks the ballast of a living owner',
    invariants: [14],
    file: 'lib/log/log-directory.js',
    find: 'return owner === undefined || ownerOf(owner, path)?.alive === false;',
    replace: 'return true;',
    caughtBy: {
      file: 'log/commit/full-disk',
      name: 'an opener without the lock takes nothing from the ballast of an owner that may live',
    },
  },
  {
    name: 'a place that is gone is taken for a sick disk',
    invariants: [3],
    file: 'lib/log/directory/directory-context.js',
    find: "if (systemCode(error) !== 'ENOENT')\n                throw error;",
    replace: 'throw error;',
    caughtBy: {
      file: 'log/lock/replaced-directory',
      name: 'an owner whose segment directory was removed loses its queue, and another opens it',
    },
  },
  {
    name: 'a copy of the files belongs to the owner of what it was made of',
    invariants: [],
    file: 'lib/log/lock/claim.js',
    find: 'record.inode !== inodeText(file.inodeSync())',
    replace: 'false',
    caughtBy: {
      file: 'queue/replaced-directory',
      name: 'a copy of the directory of a living owner can be opened by another process at once',
    },
  },
  {
    name: 'numbers of files are compared across kernels',
    invariants: [],
    file: 'lib/log/lock/lock.js',
    find: "liveness === 'alive' && isCopy === true",
    replace: 'isCopy === true',
    caughtBy: {
      file: 'log/lock/lock',
      name: 'a copied owner record of another host leaves open whether its owner lives',
    },
  },
  {
    name: 'auto loses its patience before a silent lock is known to be stale',
    invariants: [],
    file: 'lib/log/lock/lock.js',
    find: 'Number.POSITIVE_INFINITY;',
    replace: 'staleMs + STALENESS_MARGIN_MS;',
    caughtBy: {
      file: 'log/lock/lock',
      name: "waitMs 'auto' waits until a silent lock is stale, also on a machine too busy to look often",
    },
  },
  {
    name: 'a lock is stale by the wall clock',
    invariants: [],
    file: 'lib/log/lock/lock.js',
    find: 'const isStale = watch.isStale(mark, staleMs);',
    replace: 'const isStale = fs.lstatSync(path).mtimeMs < Date.now() - staleMs;',
    caughtBy: {
      file: 'log/lock/lock',
      name: 'the lock of an owner of another host is left alone until it is stale',
    },
  },
  {
    name: 'a mutex is stale by the wall clock',
    invariants: [],
    file: 'lib/log/lock/open-mutex.js',
    find: 'return mark !== undefined && watchOf(path, mark).isStale(mark, staleMs);',
    replace: 'return fs.lstatSync(path).mtimeMs < Date.now() - staleMs;',
    caughtBy: {
      file: 'log/lock/open-mutex',
      name: 'the mutex of a holder of another host is taken when it shows no life for staleMs',
    },
  },
  {
    name: 'a sign of life does not begin the watch anew',
    invariants: [],
    file: 'lib/log/lock/watch.js',
    find: 'if (mark === this.#mark) {',
    replace: 'if (true) {',
    caughtBy: {
      file: 'log/lock/lock',
      name: 'an owner on another host that shows signs of life keeps its lock',
    },
  },
  {
    name: 'a pause of the watcher counts whole',
    invariants: [],
    file: 'lib/log/lock/watch.js',
    find: 'Math.min(now - this.#lookedAt, staleMs / 4)',
    replace: 'now - this.#lookedAt',
    caughtBy: {
      file: 'log/lock/lock',
      name: 'repeated refused openings find out that a lock is stale',
    },
  },
  {
    name: 'an owner of another boot is waited for',
    invariants: [],
    file: 'lib/log/lock/identity.js',
    find: 'if (ranInAnotherBoot(identity) && hasOneKernel(directory))',
    replace: 'if (false)',
    caughtBy: { file: 'log/lock/lock', name: 'the lock of an owner of another boot is taken over at once' },
  },
  {
    name: 'an owner of another boot is dead, whatever kernels have the files',
    invariants: [],
    file: 'lib/log/lock/identity.js',
    find: 'if (ranInAnotherBoot(identity) && hasOneKernel(directory))',
    replace: 'if (ranInAnotherBoot(identity))',
    caughtBy: {
      file: 'log/lock/identity',
      name: 'a process of another boot is dead on a file system that one kernel at a time uses',
    },
  },
  {
    name: 'a thread lives as long as its process',
    invariants: [],
    file: 'lib/log/lock/identity.js',
    find: 'if (identity.threadId === null || identity.threadStart === null)',
    replace: 'if (true)',
    caughtBy: {
      file: 'log/lock/lock-threads',
      name: 'a worker that was terminated while it owned a queue is replaced at once',
    },
  },
  {
    name: 'each copy of the package knows its own queues alone',
    invariants: [],
    file: 'lib/log/runtime/shared-in-thread.js',
    find: 'const holder = v8;',
    replace: 'const holder = sharedInThread;',
    caughtBy: {
      file: 'log/lock/lock-copies',
      name: 'two copies of the package in one process share the registry of open directories',
    },
  },
  {
    name: 'the registry of open directories stands on the global object',
    invariants: [],
    file: 'lib/log/runtime/shared-in-thread.js',
    find: 'const holder = v8;',
    replace: 'const holder = globalThis;',
    caughtBy: {
      file: 'log/lock/lock-copies',
      name: 'copies of the package with global objects of their own share the registry of open directories',
    },
  },
  {
    name: 'a directory that this process has lost counts as open',
    invariants: [],
    file: 'lib/log/lock/open-directories.js',
    find: 'each.path === path && each.stands()',
    replace: 'each.path === path',
    caughtBy: {
      file: 'log/lock/lock',
      name: 'a directory made anew after it was removed under its owner can be opened at once',
    },
  },
  {
    name: 'a record of this very thread is always that of a living owner',
    invariants: [],
    file: 'lib/log/lock/lock.js',
    find: "return isThisThread(found.identity) ? 'dead' : livenessOfOwner(found, found.identity, directory);",
    replace: 'return livenessOf(found.identity, directory);',
    caughtBy: { file: 'log/lock/lock', name: 'a copy of the files of an open directory can be opened' },
  },
  {
    name: 'a small write takes a short one for a whole one',
    invariants: [4],
    file: 'lib/log/fs/write.js',
    find: `const count = file.writeSync(bytes, written, bytes.length - written, position + written);
            if (count === 0)
                throw new Error('the file system accepted no byte');
            written += count;`,
    replace: `file.writeSync(bytes, written, bytes.length - written, position + written);
            written = bytes.length;`,
    caughtBy: { file: 'log/fs/write', name: 'a small write that comes out short goes on to the last byte' },
  },
  {
    name: 'a large write takes a short one for a whole one',
    invariants: [4],
    file: 'lib/log/fs/write.js',
    find: `const count = await file.write(bytes, written, bytes.length - written, position + written);
            if (count === 0)
                throw new Error('the file system accepted no byte');
            written += count;`,
    replace: `await file.write(bytes, written, bytes.length - written, position + written);
            written = bytes.length;`,
    caughtBy: { file: 'log/fs/write', name: 'a large write that comes out short goes on to the last byte' },
  },
  {
    name: 'the rest of a small write goes to where it began',
    invariants: [4],
    file: 'lib/log/fs/write.js',
    find: 'file.writeSync(bytes, written, bytes.length - written, position + written)',
    replace: 'file.writeSync(bytes, written, bytes.length - written, position)',
    caughtBy: { file: 'log/fs/write', name: 'a small write that comes out short goes on to the last byte' },
  },
  {
    name: 'the rest of a large write goes to where it began',
    invariants: [4],
    file: 'lib/log/fs/write.js',
    find: 'file.write(bytes, written, bytes.length - written, position + written)',
    replace: 'file.write(bytes, written, bytes.length - written, position)',
    caughtBy: { file: 'log/fs/write', name: 'a large write that comes out short goes on to the last byte' },
  },
  {
    name: 'a file system that takes no byte is believed',
    invariants: [4],
    file: 'lib/log/fs/write.js',
    find: `const count = await file.write(bytes, written, bytes.length - written, position + written);
            if (count === 0)
                throw`,
    replace: `const count = await file.write(bytes, written, bytes.length - written, position + written);
            if (count === 0)
                return; if (count < 0) throw`,
    caughtBy: {
      file: 'log/fs/write',
      name: 'a large write of which a file system takes no byte is a failure, not a loop',
    },
  },
  {
    name: 'a second sync after a failed one is believed',
    invariants: [5],
    file: 'lib/log/segment/segment.js',
    find: `if (this.#failure !== undefined)
                throw this.#failure;`,
    replace: '',
    caughtBy: {
      file: 'log/commit/active-segment',
      name: 'after a failed sync its segment is not synced again, and every later sync rejects',
    },
  },
  {
    name: 'a failed sync is taken for a good one',
    invariants: [5],
    file: 'lib/log/segment/segment.js',
    find: `throw this.#failed(error);
        }
        finally {`,
    replace: `if (!segment.sealed) segment.synced = covered;
        }
        finally {`,
    caughtBy: {
      file: 'log/commit/failures',
      name: 'after one failed sync the batch is written again to a fresh segment, and accepted',
    },
  },
  {
    name: 'a sealed segment counts to its last written byte',
    invariants: [5, 7],
    file: 'lib/log/segment/segment.js',
    find: 'this.#length = this.synced;',
    replace: 'this.#length = this.written;',
    caughtBy: {
      file: 'log/commit/failures',
      name: 'after one failed sync the batch is written again to a fresh segment, and accepted',
    },
  },
  {
    name: 'a sync covers what was written while it ran',
    invariants: [5],
    file: 'lib/log/segment/segment.js',
    find: 'segment.syncedTo(covered, lastSequence);',
    replace: 'segment.syncedTo(segment.written, lastSequence);',
    caughtBy: { file: 'log/commit/active-segment', name: 'a sync covers what was written before it began' },
  },
  {
    name: 'a manifest names sequences that no sync covered',
    invariants: [7],
    file: 'lib/log/segment/segment.js',
    find: 'lastSequence: this.sealed ? this.lastSequence : this.#syncedSequence,',
    replace: 'lastSequence: this.lastSequence,',
    caughtBy: {
      file: 'log/commit/active-segment',
      name: 'a manifest lists no sequence of a segment that no sync covered, whether the segment is open or ended',
    },
  },
  {
    name: 'what a failure displaced counts in the segment that failed',
    invariants: [5, 7],
    file: 'lib/log/segment/segment.js',
    find: 'this.lastSequence = this.#syncedSequence;\n    }\n    /** While recovering: only',
    replace: '}\n    /** While recovering: only',
    caughtBy: {
      file: 'log/commit/active-segment',
      name: 'a manifest lists no sequence of a segment that no sync covered, whether the segment is open or ended',
    },
  },
  {
    name: 'a sync that ends after a seal moves its length',
    invariants: [5],
    file: 'lib/log/segment/segment.js',
    find: `if (!segment.sealed)
                segment.syncedTo(covered, lastSequence);`,
    replace: 'segment.syncedTo(covered, lastSequence);',
    caughtBy: {
      file: 'log/commit/active-segment',
      name: 'a sync that ends after its segment was sealed proves no byte behind the seal',
    },
  },
  {
    name: 'a segment whose sync failed is written on',
    invariants: [5],
    file: 'lib/log/commit/group-commit.js',
    find: 'this.#rotation.end();',
    replace: '',
    caughtBy: {
      file: 'log/commit/failures',
      name: 'after one failed sync the batch is written again to a fresh segment, and accepted',
    },
  },
  {
    name: 'no manifest cuts a failed segment',
    invariants: [5, 7],
    file: 'lib/log/commit/rotation.js',
    find: `this.#cutDue = true;
        active.close()`,
    replace: 'active.close()',
    caughtBy: {
      file: 'log/commit/failures',
      name: 'a sync that fails while the next segment is being listed stands in a manifest before that segment gets a frame',
    },
  },
  {
    name: 'what was accepted behind a failed sync is not written again',
    invariants: [5],
    file: 'lib/log/commit/group-commit.js',
    find: 'const lost = this.#unsynced.takeLost();',
    replace: 'this.#unsynced.takeLost(); const lost = [];',
    caughtBy: {
      file: 'log/commit/failures',
      name: 'appends that may not be refused are kept, and written in order when the disk recovers',
    },
  },
  {
    name: 'what was accepted and is not synced is not kept',
    invariants: [5, 13],
    file: 'lib/log/commit/group-commit.js',
    find: `if (this.#spec.durability !== 'fsync')
            this.#unsynced.add(batch);`,
    replace: '',
    caughtBy: {
      file: 'log/commit/failures',
      name: 'appends that may not be refused are kept, and written in order when the disk recovers',
    },
  },
  {
    name: 'what is written again comes behind later appends',
    invariants: [5, 11],
    file: 'lib/log/commit/append-queue.js',
    find: '[...appends, ...this.#waiting].sort((a, b) => a.firstSequence - b.firstSequence)',
    replace: '[...this.#waiting, ...appends]',
    caughtBy: {
      file: 'log/commit/append-queue',
      name: 'an append that comes back is queued by its sequence',
    },
  },
  {
    name: 'a later batch overtakes what is written again',
    invariants: [5],
    file: 'lib/log/commit/group-commit.js',
    find: 'if (this.#queue.precedes(batch[0]))',
    replace: 'if (false)',
    caughtBy: {
      file: 'log/commit/failures',
      name: 'no later batch overtakes the records of a full segment whose last sync failed',
    },
  },
  {
    name: 'what is written again cannot be read meanwhile',
    invariants: [5],
    file: 'lib/log/commit/group-commit.js',
    find: `for (const append of lost)
            this.#pendingRetries.add(append);`,
    replace: '',
    caughtBy: {
      file: 'log/commit/failures',
      name: 'an accepted record can be read at any time, also while it is written again',
    },
  },
  {
    name: 'a refusal after bytes reached a file is no uncertainty',
    invariants: [5],
    file: 'lib/log/commit/group-commit.js',
    find: "refusal(error, append.state === 'touched')",
    replace: 'refusal(error, false)',
    caughtBy: {
      file: 'log/commit/failures',
      name: 'a message whose second sync fails as well is refused, and may be there all the same',
    },
  },
  {
    name: 'a failed write leaves no trace on its appends',
    invariants: [5],
    file: 'lib/log/commit/group-commit.js',
    find: `touch(batch);
        this.#endSegment(`,
    replace: 'this.#endSegment(',
    caughtBy: {
      file: 'log/commit/failures',
      name: 'a batch that fails twice is rejected as indeterminate, and the queue heals by itself',
    },
  },
  {
    name: 'an append can be withdrawn after bytes of it were written',
    invariants: [5],
    file: 'lib/log/commit/append-queue.js',
    find: "append.state !== 'waiting' || ",
    replace: '',
    caughtBy: {
      file: 'log/commit/append-queue',
      name: 'an append is withdrawn while no byte of it was written',
    },
  },
  {
    name: 'a full disk of which bytes were taken ends nothing',
    invariants: [5],
    file: 'lib/log/commit/group-commit.js',
    find: 'error.written === 0 && isDiskFull(error)',
    replace: 'isDiskFull(error)',
    caughtBy: {
      file: 'log/commit/failures',
      name: 'a write of which a full disk takes some bytes ends the segment',
    },
  },
  {
    name: 'sync() resolves though it failed',
    invariants: [5],
    file: 'lib/log/commit/group-commit.js',
    find: `if (last !== undefined && !last.synced)
            throw refusal(this.#lastFailure ?? this.#notSynced(), true);
        if (displaced || this.#pendingRetries.size > 0)
            throw refusal(this.#lastFailure ?? this.#notSynced(), true);
        // While retained appends cannot be written, only a caller that asks is told.
        if (this.#lastFailure !== undefined && this.#queue.size > 0)`,
    replace: 'if (false)',
    caughtBy: {
      file: 'log/commit/failures',
      name: 'sync() rejects when the sync fails, and covers everything when it resolves',
    },
  },
  {
    name: 'sync() resolves though what was appended cannot be written',
    invariants: [5, 13],
    file: 'lib/log/commit/group-commit.js',
    find: `if (this.#lastFailure !== undefined && this.#queue.size > 0)
            throw`,
    replace: `if (false)
            throw`,
    caughtBy: {
      file: 'log/commit/failures',
      name: 'sync() rejects while appended records cannot be written',
    },
  },
  {
    name: 'an accepted append is refused',
    invariants: [5],
    file: 'lib/log/commit/failure-policy.js',
    find: "append.state !== 'accepted'",
    replace: 'true',
    caughtBy: {
      file: 'log/commit/append-queue',
      name: 'an append that was accepted before is never refused',
    },
  },
  {
    name: 'a failure half-way is no undecided manifest',
    invariants: [5],
    file: 'lib/log/manifest/manifest-publisher.js',
    find: 'this.#undecided = true;',
    replace: '',
    caughtBy: {
      file: 'log/manifest/manifest-publisher',
      name: 'a manifest whose rename fails is undecided until a later one is durable',
    },
  },
  {
    name: 'an append does not wait for an undecided manifest',
    invariants: [5],
    file: 'lib/log/commit/group-commit.js',
    find: `if (this.#publisher.undecided)
            return this.#settleAndAccept(batch);`,
    replace: '',
    caughtBy: {
      file: 'log/commit/undecided',
      name: 'with durability fsync no message is accepted while a manifest is undecided',
    },
  },
  {
    name: 'a sync does not wait for an undecided manifest',
    invariants: [5],
    file: 'lib/log/commit/group-commit.js',
    find: `if (this.#publisher.undecided)
            await this.#publisher.settle();`,
    replace: '',
    caughtBy: { file: 'log/commit/undecided', name: 'sync() rejects while a manifest is undecided' },
  },
  {
    name: 'a close leaves whoever waits for the next try where they are',
    invariants: [5],
    file: 'lib/log/commit/retry-backoff.js',
    find: `for (const over of this.#waiting)
            over();`,
    replace: '',
    caughtBy: {
      file: 'log/commit/undecided',
      name: 'no outcome counts as written while a manifest is undecided',
      hangs: true,
    },
  },
  {
    name: 'publications run side by side',
    invariants: [5],
    file: 'lib/log/manifest/manifest-publisher.js',
    find: 'if (this.#running === undefined) {',
    replace: 'if (true) {',
    caughtBy: {
      file: 'log/manifest/manifest-publisher',
      name: 'manifests are published one by one, and waiting requests share the next one',
    },
  },
  {
    name: 'a publication that began earlier serves a later caller',
    invariants: [5],
    file: 'lib/log/manifest/manifest-publisher.js',
    find: 'this.#next ??= this.#running',
    replace: 'return this.#running; this.#next ??= this.#running',
    caughtBy: {
      file: 'log/manifest/manifest-publisher',
      name: 'manifests are published one by one, and waiting requests share the next one',
    },
  },
  {
    name: 'what a large write put behind an ended segment counts',
    invariants: [5],
    file: 'lib/log/commit/group-commit.js',
    find: 'if (this.#rotation.active === active)\n            return this.#written',
    replace: 'if (true)\n            return this.#written',
    caughtBy: {
      file: 'log/commit/failures',
      name: 'records that a large write puts behind the end of a segment that failed meanwhile are written again',
    },
  },
  {
    name: 'two syncs of one file at a time',
    invariants: [6],
    file: 'lib/log/segment/segment.js',
    find: 'this.#syncing ??= this.#syncOnce();',
    replace: 'this.#syncing = this.#syncOnce();',
    caughtBy: {
      file: 'log/commit/active-segment',
      name: 'a segment has one sync in flight, and a caller that comes meanwhile waits for the next one',
    },
  },
  {
    name: 'no sync of a fresh segment',
    invariants: [6, 9],
    file: 'lib/log/segment/create-segment.js',
    find: `await file.sync();
        await directory.fileSystem.syncDirectory(`,
    replace: 'await directory.fileSystem.syncDirectory(',
    caughtBy: {
      file: 'log/commit/failures',
      name: 'a close whose manifest fails at create says so, and loses nothing',
    },
  },
  {
    name: 'no sync of the directory of a fresh segment',
    invariants: [6, 9],
    file: 'lib/log/segment/create-segment.js',
    find: 'await directory.fileSystem.syncDirectory(directory.path(spec.name));',
    replace: '',
    caughtBy: { file: 'log/commit/group-commit', name: 'no append is accepted before it is on the device' },
  },
  {
    name: 'a segment is used before a manifest lists it',
    invariants: [6, 7],
    file: 'lib/log/commit/rotation.js',
    find: 'while (!next.listed || this.#cutDue) {',
    replace: 'while (this.#cutDue) {',
    caughtBy: {
      file: 'log/commit/failures',
      name: 'a write of which a full disk takes no byte leaves the segment open, and is refused for certain',
    },
  },
  {
    name: 'a segment that is made ahead is used before a manifest lists it',
    invariants: [6, 7],
    file: 'lib/log/commit/rotation.js',
    find: `if (!prepared.listed)
            await this.#publisher.publish();`,
    replace: '',
    caughtBy: { file: 'log/commit/group-commit', name: 'a list never spans segments, however large' },
  },
  {
    name: 'a fresh segment is not filled with zeros',
    invariants: [6],
    file: 'lib/log/segment/create-segment.js',
    find: 'while (end < wanted.targetBytes) {',
    replace: 'while (false) {',
    caughtBy: {
      file: 'log/commit/group-commit',
      name: 'the next segment is prepared and listed ahead of need',
    },
  },
  {
    name: 'a fresh segment is listed while it is being filled',
    invariants: [6],
    file: 'lib/log/segment/create-segment.js',
    find: 'const diskBytes = await fill(directory, wanted, file);',
    replace: 'void fill(directory, wanted, file).catch(() => {}); const diskBytes = wanted.targetBytes;',
    caughtBy: {
      file: 'log/commit/failures',
      name: 'a segment of 256 KiB for which a full disk has no room leaves no file behind',
    },
  },
  {
    name: 'a file is closed under its sync',
    invariants: [6],
    file: 'lib/log/segment/segment.js',
    find: 'await this.#syncing?.catch(() => { });',
    replace: '',
    caughtBy: {
      file: 'log/commit/active-segment',
      name: 'the file of a segment is not closed while its sync runs',
    },
  },
  {
    name: 'a full segment is not synced to its end before the next is used',
    invariants: [7],
    file: 'lib/log/commit/rotation.js',
    find: `if ((await this.#syncToItsEnd(active)) !== undefined)
                return this.next();`,
    replace:
      'this.#owner.allSynced(); active.segment.synced = active.segment.written; active.segment.seal();',
    caughtBy: {
      file: 'log/commit/failures',
      name: 'no later batch overtakes the records of a full segment whose last sync failed',
    },
  },
  {
    name: 'every open segment may be torn',
    invariants: [7],
    file: 'lib/log/recovery/tail-scan.js',
    find: 'open.slice(Math.max(0, lastWithFrames))',
    replace: 'open',
    caughtBy: {
      file: 'log/recovery/recover',
      name: 'a bad byte in any segment but the last one with a frame is corruption, not a tear',
    },
  },
  {
    name: 'no segment may be torn',
    invariants: [7],
    file: 'lib/log/recovery/tail-scan.js',
    find: 'tearable.includes(candidate)',
    replace: 'false',
    caughtBy: {
      file: 'log/recovery/recover',
      name: 'after a kill unproven frames are copied with their sequences, and the rest of their segment is cut',
    },
  },
  {
    name: 'what a later frame proves may be torn',
    invariants: [7],
    file: 'lib/log/recovery/tail-scan.js',
    find: 'Math.max(torn.from, this.proven)',
    replace: 'this.#bad[0].from',
    caughtBy: {
      file: 'log/recovery/recover',
      name: 'a tear right behind corruption is still a tear, and cuts its list whole',
    },
  },
  {
    name: 'a bad frame is never a tear',
    invariants: [7],
    file: 'lib/log/recovery/tail-scan.js',
    find: 'bad.end <= this.proven',
    replace: 'true',
    caughtBy: {
      file: 'log/recovery/recover',
      name: 'a torn last frame is dropped and counted as a tear, not reported as corruption',
    },
  },
  {
    name: 'half a list stays',
    invariants: [7],
    file: 'lib/log/recovery/tail-scan.js',
    find: 'return cut === undefined ? end : cut.from;',
    replace: 'return end;',
    caughtBy: { file: 'log/recovery/recover', name: 'a list that a tear cuts is dropped whole' },
  },
  {
    name: 'frames prove nothing',
    invariants: [7, 8],
    file: 'lib/log/segment/scan.js',
    find: `if (header.durable > proven)
            proven = header.durable;`,
    replace: '',
    caughtBy: {
      file: 'log/segment/scan',
      name: 'a scan yields the frames of a segment in order, up to a clean end',
    },
  },
  {
    name: 'frames claim to be durable',
    invariants: [7, 8],
    file: 'lib/log/commit/frame-batch.js',
    find: 'const durable = segment.synced;',
    replace: 'const durable = segment.written;',
    caughtBy: {
      file: 'log/recovery/rules-of-order',
      name: 'a frame written before a sync ended does not prove the frame in front of it',
    },
  },
  {
    name: 'a list is not marked as one',
    invariants: [7],
    file: 'lib/log/commit/frame-batch.js',
    find: 'index < count - 1 ? FLAG_MORE : 0',
    replace: '0',
    caughtBy: { file: 'log/recovery/recover', name: 'a list that a tear cuts is dropped whole' },
  },
  {
    name: 'a payload is not checked',
    invariants: [7],
    file: 'lib/log/format/format.js',
    find: 'return crc32c(payload, crc32cNumber(offset, salted)) === header.payloadCrc;',
    replace: 'return true;',
    caughtBy: { file: 'log/format/format', name: 'a frame with any bit flipped is invalid' },
  },
  {
    name: 'the addon for checksums is never loaded',
    invariants: [],
    file: 'lib/log/format/crc32c.js',
    find: 'if (bytesUntilWorth < 0)',
    replace: 'if (false)',
    caughtBy: {
      file: 'log/format/native-crc',
      name: 'the CRC addon is loaded only after a mebibyte was checked',
    },
  },
  {
    name: 'a frame header is not checked',
    invariants: [7],
    file: 'lib/log/format/format.js',
    find: `if (readUInt32(buffer, at) !== expected)
        return undefined;`,
    replace: '',
    caughtBy: { file: 'log/format/format', name: 'a frame with any bit flipped is invalid' },
  },
  {
    name: 'a frame of another segment validates',
    invariants: [7, 12],
    file: 'lib/log/format/format.js',
    find: 'return crc32cShort(salt, 0, SALT_BYTES, 0);',
    replace: 'return 0;',
    caughtBy: { file: 'log/format/format', name: 'a frame is encoded as specified, byte for byte' },
  },
  {
    name: 'a frame of another offset validates',
    invariants: [7],
    file: 'lib/log/format/crc32c.js',
    find: 'NUMBER_VIEW.setUint32(0, number, true);',
    replace: '',
    caughtBy: {
      file: 'log/format/format',
      name: 'the checksum is CRC32C, in JavaScript and in the native addon',
    },
  },
  {
    name: 'a frame may prove more than stands before it',
    invariants: [7],
    file: 'lib/log/format/format.js',
    find: `if (durable > offset)
        return undefined;`,
    replace: '',
    caughtBy: {
      file: 'log/format/format',
      name: 'a frame header with a field out of bounds is refused though its CRC is right',
    },
  },
  {
    name: 'a length is not bounded before it is used',
    invariants: [7],
    file: 'lib/log/format/format.js',
    find: `if (payloadLength > room - FRAME_HEADER_BYTES || payloadLength > MAX_PAYLOAD_BYTES)
        return undefined;`,
    replace: '',
    caughtBy: {
      file: 'log/format/format',
      name: 'a frame header with a field out of bounds is refused though its CRC is right',
    },
  },
  {
    name: 'a type of zero is a frame',
    invariants: [7],
    file: 'lib/log/format/format.js',
    find: 'if (type === 0 || ',
    replace: 'if (',
    caughtBy: {
      file: 'log/format/format',
      name: 'a frame header with a field out of bounds is refused though its CRC is right',
    },
  },
  {
    name: 'bytes past an accepted length count',
    invariants: [7],
    file: 'lib/log/recovery/tail-scan.js',
    find: 'const end = entry.length ?? stat.size;',
    replace: 'const end = stat.size;',
    caughtBy: { file: 'log/recovery/recover', name: 'valid frames behind a tear are void' },
  },
  {
    name: 'a segment that no manifest lists counts',
    invariants: [7],
    file: 'lib/log/recovery/tail-scan.js',
    find: `if (manifest === undefined)
        return everySegment(directory, spec);`,
    replace: 'return everySegment(directory, spec);',
    caughtBy: {
      file: 'log/recovery/recover',
      name: 'after a clean close an opening finds every record and copies none',
    },
  },
  {
    name: 'zeros inside an accepted length are a clean end',
    invariants: [7],
    file: 'lib/log/recovery/recover.js',
    find: `if (scanned.zerosFrom < to)
                    replay.bad(segment, scanned.zerosFrom, to - scanned.zerosFrom, undefined);`,
    replace: '',
    caughtBy: {
      file: 'log/recovery/recover',
      name: 'a closed segment that ends too early, or in zeros, is corruption',
    },
  },
  {
    name: 'what left a compacted segment is called lost',
    invariants: [7, 12],
    file: 'lib/log/recovery/losses.js',
    find: `if (entry.compacted)
                continue;`,
    replace: '',
    caughtBy: {
      file: 'store/recovery/lost-messages',
      name: 'an attempt that outlives its message through a compaction reports no loss',
    },
  },
  {
    name: 'what a loss of power took under a relaxed durability is called damage',
    invariants: [7],
    file: 'lib/log/recovery/losses.js',
    find: 'log.mayLackUnsynced && !home.synced',
    replace: 'false',
    caughtBy: {
      file: 'store/recovery/lost-messages',
      name: 'after a power loss with durability "os" messages are reported lost and nothing corrupt',
    },
  },
  {
    name: 'a relaxed durability excuses losses without a loss of power',
    invariants: [7],
    file: 'lib/log/recovery/losses.js',
    find: 'bootId === null || manifest.bootId !== bootId',
    replace: 'true',
    caughtBy: {
      file: 'store/recovery/lost-messages',
      name: 'after a power loss with durability "os" messages are reported lost and nothing corrupt',
    },
  },
  {
    name: 'a segment that was followed by another is excused by a relaxed durability',
    invariants: [7],
    file: 'lib/log/recovery/losses.js',
    find: 'home.synced = true;',
    replace: 'home.synced = false;',
    caughtBy: {
      file: 'store/recovery/lost-messages',
      name: 'with a relaxed durability a lost message in a sealed segment is reported as corruption',
    },
  },
  {
    name: 'what a segment lost is looked for in the one that was made ahead',
    invariants: [7],
    file: 'lib/log/recovery/losses.js',
    find: 'candidate?.begins ?? firstSequence',
    replace: 'firstSequence',
    caughtBy: {
      file: 'store/recovery/lost-messages',
      name: 'with a relaxed durability a lost message in a sealed segment is reported as corruption',
    },
  },
  {
    name: 'a segment is listed from what was next when it was made',
    invariants: [5],
    file: 'lib/log/commit/rotation.js',
    find: 'this.#prepared?.segment.begin(this.#firstUnwritten);',
    replace: '',
    caughtBy: {
      file: 'log/commit/failures',
      name: 'a segment that takes over the records of a failed one is listed from the first of those',
    },
  },
  {
    name: 'what a living owner writes just now is called lost',
    invariants: [7],
    file: 'lib/log/reader/log-snapshot.js',
    find: 'options.mayBeWritten === true ? await this.#stillAbsent(log, lost) : lost',
    replace: 'lost',
    caughtBy: {
      file: 'store/reader/verify',
      name: 'verify does not report messages as lost that a living owner wrote after the look',
    },
  },
  {
    name: 'what a living owner writes to a segment of its own is called lost',
    invariants: [7],
    file: 'lib/log/reader/log-snapshot.js',
    find: 'isNewest && !there.has(sequence)',
    replace: '!there.has(sequence)',
    caughtBy: {
      file: 'store/reader/verify',
      name: 'verify does not report messages as lost that a living owner wrote to a segment begun after the look',
    },
  },
  {
    name: 'nothing is lost while an owner lives',
    invariants: [7],
    file: 'lib/log/reader/log-snapshot.js',
    find: 'isNewest && !there.has(sequence)',
    replace: 'false',
    caughtBy: { file: 'store/reader/verify', name: 'verify reports lost messages under a living owner, too' },
  },
  {
    name: 'zeros behind a header that cannot be read are a clean end',
    invariants: [7],
    file: 'lib/log/recovery/tail-scan.js',
    find: '!hasHeader || syncedSequence > tail.lastSequence',
    replace: 'syncedSequence > tail.lastSequence',
    caughtBy: {
      file: 'store/recovery/lost-messages',
      name: 'frames behind an unreadable header of the ack log load, and its end is in doubt',
    },
  },
  {
    name: 'zeros before what the manifest knows to be synced are a clean end',
    invariants: [7],
    file: 'lib/log/recovery/tail-scan.js',
    find: '!hasHeader || syncedSequence > tail.lastSequence',
    replace: '!hasHeader',
    caughtBy: {
      file: 'store/recovery/lost-messages',
      name: 'lost messages without an outcome are reported where the manifest has them as synced',
    },
  },
  {
    name: 'a bad frame that was accepted for certain is a tear',
    invariants: [7],
    file: 'lib/log/recovery/tail-scan.js',
    find: 'Math.max(acceptedHere, syncedSequence)',
    replace: 'syncedSequence',
    caughtBy: {
      file: 'store/recovery/lost-messages',
      name: 'with a bit of the last payload flipped, each lost message that an outcome names is reported once',
    },
  },
  {
    name: 'what an earlier life had accepted proves bytes of a later segment',
    invariants: [7],
    file: 'lib/log/recovery/tail-scan.js',
    find: 'accepted >= segment.firstSequence ? accepted : 0',
    replace: 'accepted',
    caughtBy: {
      file: 'store/recovery/lost-messages',
      name: 'a tear is reported as a tear, whatever an earlier life has lost',
    },
  },
  {
    name: 'damage behind the end that its segment was given is forgotten',
    invariants: [7],
    file: 'lib/log/recovery/tail-scan.js',
    find: 'range.offset < (ends.get(range.file) ?? 0)',
    replace: 'ends.has(range.file)',
    caughtBy: {
      file: 'store/recovery/lost-messages',
      name: 'frames behind an unreadable header of the ack log load, and its end is in doubt',
    },
  },
  {
    name: 'a segment that is missing is no damage',
    invariants: [7],
    file: 'lib/log/recovery/tail-scan.js',
    find: `found.gone.push({ after: found.candidates.length, range, unbounded: wasOpen });
            continue;`,
    replace: 'continue;',
    caughtBy: {
      file: 'log/recovery/recover',
      name: 'a listed segment that is missing is corruption, named with what it held',
    },
  },
  {
    name: 'damage is not quarantined',
    invariants: [7],
    file: 'lib/log/recovery/recover.js',
    find: 'await quarantine(directory, found);',
    replace: '',
    caughtBy: {
      file: 'log/recovery/recover',
      name: 'a bad frame that a later one proves is reported as corruption and quarantined, and the rest loads',
    },
  },
  {
    name: 'no sync of a quarantined copy',
    invariants: [7, 9],
    file: 'lib/log/recovery/quarantine.js',
    find: 'await target.sync();',
    replace: '',
    caughtBy: {
      file: 'log/recovery/recover',
      name: 'a bad frame that a later one proves is reported as corruption and quarantined, and the rest loads',
    },
  },
  {
    name: 'no sync of the directory of quarantined copies',
    invariants: [7, 9],
    file: 'lib/log/recovery/quarantine.js',
    find: 'await directory.fileSystem.syncDirectory(directory.path(QUARANTINE));',
    replace: '',
    caughtBy: {
      file: 'log/recovery/recover',
      name: 'a bad frame that a later one proves is reported as corruption and quarantined, and the rest loads',
    },
  },
  {
    name: 'damage is new at every opening',
    invariants: [7],
    file: 'lib/log/recovery/log-replay.js',
    find: 'known = this.#known.find(',
    replace: 'known = [].find(',
    caughtBy: {
      file: 'log/recovery/recover',
      name: 'damage is reported and quarantined once, and passed to the store at every opening',
    },
  },
  {
    name: 'a manifest forgets known damage',
    invariants: [7],
    file: 'lib/log/log-directory.js',
    find: 'corrupt: stillPresent(recovered.corrupt, logs),',
    replace: 'corrupt: [],',
    caughtBy: {
      file: 'log/recovery/recover',
      name: 'damage is reported and quarantined once, and passed to the store at every opening',
    },
  },
  {
    name: 'with refuse, damage is opened all the same',
    invariants: [7],
    file: 'lib/log/recovery/recover.js',
    find: "if (found.length > 0 && onCorruption === 'refuse')",
    replace: 'if (false)',
    caughtBy: {
      file: 'log/recovery/recover',
      name: 'with refuse, an opening of a damaged directory changes nothing but its claim',
    },
  },
  {
    name: 'a read error is the end of a file',
    invariants: [7],
    file: 'lib/log/segment/scan.js',
    find: 'throw asWaqError(error, `reading',
    replace: 'return; throw asWaqError(error, `reading',
    caughtBy: { file: 'log/segment/scan', name: 'a read error during a scan is neither tear nor corruption' },
  },
  {
    name: 'a manifest is not checked',
    invariants: [7],
    file: 'lib/log/manifest/manifest.js',
    find: `if (file.readUInt32LE(at + 16) !== checksum(file, at, bodyLength))
        return undefined;`,
    replace: '',
    caughtBy: {
      file: 'log/manifest/manifest',
      name: 'a manifest with one damaged copy is read, wherever the damage is',
    },
  },
  {
    name: 'the second copy of a manifest is not asked',
    invariants: [7],
    file: 'lib/log/manifest/manifest.js',
    find: '?? decodeCopy(file, second, name)',
    replace: '',
    caughtBy: {
      file: 'log/manifest/manifest',
      name: 'a manifest with one damaged copy is read, wherever the damage is',
    },
  },
  {
    name: 'the oldest manifest is in force',
    invariants: [7],
    file: 'lib/log/manifest/current-manifest.js',
    find: 'ids.toReversed()',
    replace: 'ids',
    caughtBy: {
      file: 'log/recovery/recover',
      name: 'frames that only the page cache holds are proven by copying them, even after a failed sync',
    },
  },
  {
    name: 'a manifest that cannot be read makes a new queue',
    invariants: [7],
    file: 'lib/log/manifest/current-manifest.js',
    find: 'return { identity, manifest, file, names, damage: { file, length: bytes.length } };',
    replace: 'return { identity, manifest, file, names, damage: undefined };',
    caughtBy: {
      file: 'log/recovery/recover',
      name: 'an unreadable newest manifest is reported, and every segment counts',
    },
  },
  {
    name: 'a manifest that is gone makes a new queue',
    invariants: [7],
    file: 'lib/log/manifest/current-manifest.js',
    find: "if (files.some(name => parseFileId(name, '.seg')))",
    replace: 'if (false)',
    caughtBy: {
      file: 'log/recovery/recover',
      name: 'segments without a manifest are reported as a lost manifest',
    },
  },
  {
    name: 'the order of segments rests on their names',
    invariants: [7, 11],
    file: 'lib/log/recovery/tail-scan.js',
    find: 'candidates.sort((one, other) => first.get(one) - first.get(other))',
    replace: '',
    caughtBy: {
      file: 'log/recovery/rules-of-order',
      name: 'without a manifest segments are ordered by their records, not by their names',
    },
  },
  {
    name: 'frames of the page cache are not copied',
    invariants: [8],
    file: 'lib/log/recovery/tail-scan.js',
    find: 'isTearable ? Math.min(proven, candidate.end) : end',
    replace: 'candidate.end',
    caughtBy: {
      file: 'log/recovery/recover',
      name: 'after a kill unproven frames are copied with their sequences, and the rest of their segment is cut',
    },
  },
  {
    name: 'copies are not written',
    invariants: [8],
    file: 'lib/log/recovery/recover.js',
    find: 'await recovery.writeCopies();',
    replace: '',
    caughtBy: {
      file: 'log/recovery/recover',
      name: 'copies are durable before the manifest that lists them',
    },
  },
  {
    name: 'no sync of copies',
    invariants: [8],
    file: 'lib/log/recovery/recover.js',
    find: 'await file.sync();',
    replace: '',
    caughtBy: {
      file: 'log/recovery/recover',
      name: 'copies are durable before the manifest that lists them',
    },
  },
  {
    name: 'no sync of the directory of copies',
    invariants: [8, 9],
    file: 'lib/log/recovery/recover.js',
    find: 'await this.#directory.fileSystem.syncDirectory(this.#directory.path(spec.name));',
    replace: '',
    caughtBy: {
      file: 'log/recovery/recover',
      name: 'copies are durable before the manifest that lists them',
    },
  },
  {
    name: 'an opening shows messages before its manifest is durable',
    invariants: [8],
    file: 'lib/log/log-directory.js',
    find: 'await opened.#publisher.publish();',
    replace: 'void opened.#publisher.publish().catch(() => {});',
    caughtBy: {
      file: 'log/recovery/recover',
      name: 'after a kill unproven frames are copied with their sequences, and the rest of their segment is cut',
    },
  },
  {
    name: 'originals are not cut where copies begin',
    invariants: [8],
    file: 'lib/log/recovery/recover.js',
    find: `if (wasOpen)
                    segment.cut(provenEnd);`,
    replace: '{}',
    caughtBy: { file: 'log/recovery/recover', name: 'valid frames behind a tear are void' },
  },
  {
    name: 'a copy keeps the mark of a list',
    invariants: [8, 12],
    file: 'lib/log/segment/copied-segment.js',
    find: 'flags & ~FLAG_MORE',
    replace: 'flags',
    caughtBy: {
      file: 'log/recovery/rules-of-order',
      name: 'a bad record in a list that an opening copied costs no other record',
    },
  },
  {
    name: 'a close publishes nothing',
    invariants: [8],
    file: 'lib/log/log-directory.js',
    find: `await this.#publisher.publish();
                clean = true;`,
    replace: 'clean = true;',
    caughtBy: {
      file: 'log/recovery/recover',
      name: 'after a clean close an opening finds every record and copies none',
    },
  },
  {
    name: 'a close does not write what waits',
    invariants: [8],
    file: 'lib/log/commit/group-commit.js',
    find: 'return this.#loop.drain(() => this.#backoff.cancel());',
    replace: 'return Promise.resolve();',
    caughtBy: {
      file: 'log/commit/failures',
      name: 'a close whose first sync fails still writes the accepted records',
    },
  },
  {
    name: 'a close does not sync',
    invariants: [8],
    file: 'lib/log/commit/group-commit.js',
    find: `if (this.#unsynced.size > 0)
                await this.#syncUnsynced();`,
    replace: '',
    caughtBy: {
      file: 'log/commit/failures',
      name: 'a close whose first sync fails still writes the accepted records',
    },
  },
  {
    name: 'a close whose manifest failed removes what the last one lists',
    invariants: [8],
    file: 'lib/log/commit/rotation.js',
    find: 'if (prepared !== undefined && clean)',
    replace: 'if (prepared !== undefined)',
    caughtBy: {
      file: 'log/commit/failures',
      name: 'a close whose manifest fails at create says so, and loses nothing',
    },
  },
  {
    name: 'no sync of a manifest',
    invariants: [9],
    file: 'lib/log/manifest/manifest-publisher.js',
    find: 'await file.sync();',
    replace: '',
    caughtBy: {
      file: 'log/manifest/manifest-publisher',
      name: 'a published manifest is durable, and the older ones are gone',
    },
  },
  {
    name: 'no sync of the directory of manifests',
    invariants: [9],
    file: 'lib/log/manifest/manifest-publisher.js',
    find: 'await directory.fileSystem.syncDirectory(directory.path(MANIFESTS));',
    replace: '',
    caughtBy: {
      file: 'log/manifest/manifest-publisher',
      name: 'a published manifest is durable, and the older ones are gone',
    },
  },
  {
    name: 'a manifest is written under its own name',
    invariants: [9],
    file: 'lib/log/manifest/manifest-publisher.js',
    find: '.tmp`);',
    replace: '`);',
    caughtBy: {
      file: 'log/manifest/manifest-publisher',
      name: 'a published manifest is durable, and the older ones are gone',
    },
  },
  {
    name: 'no sync above a directory that was made',
    invariants: [9],
    file: 'lib/log/directory/prepare-directory.js',
    find: `if (await makeDirectory(fileSystem, path, true))
        await fileSystem.syncDirectory(parent);`,
    replace: 'await makeDirectory(fileSystem, path, true);',
    caughtBy: {
      file: 'log/directory/prepare-directory',
      name: 'a new directory is refused where its parent cannot be synced',
    },
  },
  {
    name: 'no sync of the directory of the logs',
    invariants: [9],
    file: 'lib/log/directory/prepare-directory.js',
    find: `if (created || isNew)
            await fileSystem.syncDirectory(root);`,
    replace: '',
    caughtBy: {
      file: 'log/directory/prepare-directory',
      name: 'every directory that an opening made is durable when preparing ends',
    },
  },
  {
    name: 'a directory that another opener made is taken for durable',
    invariants: [9],
    file: 'lib/log/directory/prepare-directory.js',
    find: `if (isNew)
            await syncAbove(fileSystem, root);`,
    replace: '',
    caughtBy: {
      file: 'log/directory/prepare-directory',
      name: 'directories that a killed opener left unsynced are synced by the next one',
    },
  },
  {
    name: 'a subdirectory that another opener made is taken for durable',
    invariants: [9],
    file: 'lib/log/directory/prepare-directory.js',
    find: 'if (created || isNew)',
    replace: 'if (created)',
    caughtBy: {
      file: 'log/directory/prepare-directory',
      name: 'directories that a killed opener left unsynced are synced by the next one',
    },
  },
  {
    name: 'retired segments are removed before a manifest says so',
    invariants: [10],
    file: 'lib/log/segment/segment-set.js',
    find: `if (retired.length === 0)
            return;
        try {
            await this.#publisher.publish();`,
    replace: `if (retired.length === 0)
            return;
        try {
            void this.#publisher.publish().catch(() => {});`,
    caughtBy: {
      file: 'log/commit/failures',
      name: 'segments whose retirement failed are removed once it is published',
    },
  },
  {
    name: 'compaction drops what it cannot read',
    invariants: [12],
    file: 'lib/log/segment/rewrite.js',
    find: 'bad: refuseDamage,',
    replace: 'bad: () => {},',
    caughtBy: {
      file: 'log/recovery/rules-of-order',
      name: 'a rewrite that meets a flipped bit leaves everything as it was',
    },
  },
  {
    name: 'compaction takes zeros for a clean end',
    invariants: [12],
    file: 'lib/log/segment/rewrite.js',
    find: `if (zerosFrom < original.length)
                refuseDamage(zerosFrom, original.length - zerosFrom);`,
    replace: '',
    caughtBy: {
      file: 'log/recovery/rules-of-order',
      name: 'a rewrite that meets zeros at its end leaves everything as it was',
    },
  },
  {
    name: 'a rewritten segment keeps the salt of another',
    invariants: [12],
    file: 'lib/log/segment/copied-segment.js',
    find: 'const salt = randomBytes(SALT_BYTES);',
    replace: 'const salt = Buffer.alloc(SALT_BYTES);',
    caughtBy: { file: 'log/recovery/rules-of-order', name: 'a rewritten segment gets a salt of its own' },
  },
  {
    name: 'no sync of rewritten segments',
    invariants: [12],
    file: 'lib/log/segment/rewrite.js',
    find: `if (output.synced < output.written)
            await this.#sync(output.file);`,
    replace: '',
    caughtBy: {
      file: 'store/compaction/compaction-crash',
      name: 'a power loss at any operation of a compaction changes nothing that the store holds',
    },
  },
  {
    name: 'no sync of the directory of rewritten segments',
    invariants: [9, 12],
    file: 'lib/log/segment/rewrite.js',
    find: `if (this.#outputs.length > 0)
            await this.#directory.fileSystem.syncDirectory(this.#directory.path(this.#spec.name));`,
    replace: '',
    caughtBy: {
      file: 'store/compaction/compaction-crash',
      name: 'a power loss at any operation of a compaction changes nothing that the store holds',
    },
  },
  {
    name: 'what a rewrite relied on is not synced before it counts',
    invariants: [10, 12],
    file: 'lib/log/segment/rewrite.js',
    find: 'await options.beforeItCounts?.();',
    replace: '',
    caughtBy: {
      file: 'store/compaction/compaction-crash',
      name: 'an outcome recorded while an earlier one is compacted leaves at least one of them after a crash',
    },
  },
  {
    name: 'originals are removed before the manifest of their copies',
    invariants: [12],
    file: 'lib/log/segment/segment-set.js',
    find: `try {
            await this.#publisher.publish();
        }
        catch (error) {
            this.#restore(`,
    replace: `try {
            void this.#publisher.publish().catch(() => {});
        }
        catch (error) {
            this.#restore(`,
    caughtBy: {
      file: 'store/compaction/compaction-crash',
      name: 'a power loss at any operation of a compaction changes nothing that the store holds',
    },
  },
  {
    name: 'a failed manifest leaves copies in the place of originals',
    invariants: [12],
    file: 'lib/log/segment/segment-set.js',
    find: 'this.#restore(before, originals, segments);',
    replace: '',
    caughtBy: {
      file: 'store/compaction/compaction-crash',
      name: 'a compaction that meets EIO at any operation says so and loses nothing',
    },
  },
  {
    name: 'copies are removed while a manifest that lists them may be in force',
    invariants: [12],
    file: 'lib/log/segment/segment-set.js',
    find: 'this.#publisher.undecided ? this.#publisher.settle() : Promise.resolve()',
    replace: 'Promise.resolve()',
    caughtBy: {
      file: 'log/recovery/rules-of-order',
      name: 'a rewrite whose manifest fails at syncDirectory leaves everything as it was',
    },
  },
  {
    name: 'copies bring back a segment that was retired meanwhile',
    invariants: [12],
    file: 'lib/log/segment/segment-set.js',
    find: 'if (originals.some(original => !this.#segments.has(original.id))) {',
    replace: 'if (false) {',
    caughtBy: {
      file: 'log/commit/failures',
      name: 'a retirement during a rewrite of the same segments loses nothing',
    },
  },
  {
    name: 'copies stand behind later segments',
    invariants: [11, 12],
    file: 'lib/log/segment/segment-set.js',
    find: 'segment === originals[0] ? segments : originals.includes(segment) ? [] : [segment]',
    replace: 'originals.includes(segment) ? [] : [segment]).concat(segments).flatMap(segment => [segment]',
    caughtBy: {
      file: 'log/recovery/rules-of-order',
      name: 'the copies of a rewrite take the place of their originals in the order',
    },
  },
  {
    name: 'originals cannot be read while their copies are published',
    invariants: [12],
    file: 'lib/log/segment/segment-set.js',
    find: '?? this.#leaving.get(id)',
    replace: '',
    caughtBy: {
      file: 'log/recovery/rules-of-order',
      name: 'every kept record can be read at each moment of a rewrite',
    },
  },
  {
    name: 'a segment that is in use is rewritten',
    invariants: [12],
    file: 'lib/log/segment/segment-set.js',
    find: '.flatMap(id => this.#segments.get(id) ?? []).filter(segment => segment.sealed)',
    replace: '.flatMap(id => this.#segments.get(id) ?? [])',
    caughtBy: {
      file: 'log/recovery/rules-of-order',
      name: 'the segment that is written to is neither rewritten nor retired',
    },
  },
  {
    name: 'a segment that is in use is retired',
    invariants: [12],
    file: 'lib/log/segment/segment-set.js',
    find: 'if (segment === undefined || !segment.sealed)',
    replace: 'if (segment === undefined)',
    caughtBy: {
      file: 'log/commit/group-commit',
      name: 'a retired segment leaves the manifest before its file leaves the disk',
    },
  },
  {
    name: 'a reader takes files that vanish for damage',
    invariants: [12],
    file: 'lib/log/reader/log-reader.js',
    find: '!missing || (await isNewest())',
    replace: 'true',
    caughtBy: {
      file: 'log/recovery/rules-of-order',
      name: 'a reader loads the manifest again when a listed file has vanished',
    },
  },
  {
    name: 'outcomes are synced by no one',
    invariants: [13],
    file: 'lib/log/commit/unsynced.js',
    find: `this.#timer = undefined;
                this.#sync();`,
    replace: 'this.#timer = undefined;',
    caughtBy: {
      file: 'log/commit/failures',
      name: 'outcomes are synced within syncEveryMs without a call of sync()',
    },
  },
  {
    name: 'outcomes that are not synced pile up',
    invariants: [13],
    file: 'lib/log/commit/unsynced.js',
    find: `if (this.#bytes >= MAX_UNSYNCED_BYTES)
            this.#sync();
        else if`,
    replace: 'if',
    caughtBy: {
      file: 'log/commit/unsynced',
      name: 'many unsynced outcomes are synced without a call of sync()',
    },
  },
  {
    name: 'outcomes that could not be written are dropped',
    invariants: [13],
    file: 'lib/log/commit/group-commit.js',
    find: 'this.#queue.putBack(kept);',
    replace: '',
    caughtBy: {
      file: 'log/commit/failures',
      name: 'appends that may not be refused are kept, and written in order when the disk recovers',
    },
  },
  {
    name: 'outcomes that meet a second failure are dropped',
    invariants: [13],
    file: 'lib/log/commit/group-commit.js',
    find: 'const refused = isSecond ? this.#policy.refusable(batch) : [];',
    replace: 'const refused = isSecond ? batch : [];',
    caughtBy: {
      file: 'log/commit/failures',
      name: 'an outcome whose writing fails again and again is kept until it succeeds',
    },
  },
  {
    name: 'a new ballast is a promise of space',
    invariants: [14],
    file: 'lib/log/directory/ballast.js',
    find: 'await writeFully(file, ZEROS.subarray(0, BALLAST_BYTES - at), at);',
    replace: 'await file.truncate(BALLAST_BYTES);',
    caughtBy: {
      file: 'log/directory/ballast',
      name: 'a new ballast is written in full, not only reserved',
    },
  },
  {
    name: 'an error that Node has no name for has none',
    invariants: [14],
    file: 'lib/log/errors/system-error.js',
    find: 'if (unnamed === null)',
    replace: 'if (true)',
    caughtBy: {
      file: 'log/commit/failures',
      name: 'with a quota that is used up outcomes are recorded out of the ballast, messages are refused, and the log recovers by itself',
    },
  },
  {
    name: 'no inode is taken for no space',
    invariants: [14],
    file: 'lib/log/errors/system-error.js',
    find: 'files > 0 && ffree === 0',
    replace: 'false',
    caughtBy: {
      file: 'log/errors/system-error',
      name: 'a creation that fails for want of an inode says so, and needs no bytes',
    },
  },
  {
    name: 'the ballast is given for an inode',
    invariants: [14],
    file: 'lib/log/errors/system-error.js',
    find: 'isDiskFull(error) && !isOutOfInodes(error)',
    replace: 'isDiskFull(error)',
    caughtBy: {
      file: 'log/errors/system-error',
      name: 'a creation that fails for want of an inode says so, and needs no bytes',
    },
  },
  {
    name: 'a record is told as if it were a path',
    invariants: [3],
    file: 'lib/log/lock/symlink-record.js',
    find: 'creationError(withoutContent(error, path), path)',
    replace: 'creationError(error, path)',
    caughtBy: {
      file: 'log/errors/system-error',
      name: 'the error of a symlink record that cannot be made does not show the record',
    },
  },
  {
    name: 'half a ballast stays on a full disk',
    invariants: [14],
    file: 'lib/log/directory/ballast.js',
    find: 'await file.truncate(this.#bytes).catch(() => { });',
    replace: '',
    caughtBy: {
      file: 'log/commit/full-disk',
      name: 'a ballast that does not fit on the disk gives back the bytes that it took',
    },
  },
  {
    name: 'on a full disk outcomes wait for space',
    invariants: [14],
    file: 'lib/log/commit/group-commit.js',
    find: 'this.#mustSucceed && (await this.#directory.ballast.shrink(error).catch(() => false))',
    replace: 'false',
    caughtBy: {
      file: 'log/commit/full-disk',
      name: 'an outcome for which a disk has no byte left is written out of the ballast at once',
    },
  },
  {
    name: 'messages take the space that the ballast gave',
    invariants: [14],
    file: 'lib/log/commit/group-commit.js',
    find: '!this.#policy.mustSucceed && this.#directory.ballast.short && this.#queue.holdsRefusable',
    replace: 'false',
    caughtBy: {
      file: 'log/commit/failures',
      name: 'with a full disk outcomes are recorded out of the ballast, messages are refused, and the log recovers by itself',
    },
  },
  {
    name: 'the ballast is never restored',
    invariants: [14],
    file: 'lib/log/commit/group-commit.js',
    find: 'if (await device.during(() => ballast.restore()))',
    replace: 'if (false)',
    caughtBy: {
      file: 'log/commit/failures',
      name: 'with a full disk outcomes are recorded out of the ballast, messages are refused, and the log recovers by itself',
    },
  },
  {
    name: 'on a full disk no manifest is written',
    invariants: [14],
    file: 'lib/log/manifest/manifest-publisher.js',
    find: 'await directory.withRoom(() => this.#writeTemporary(name, bytes));',
    replace: 'await this.#writeTemporary(name, bytes);',
    caughtBy: {
      file: 'log/manifest/manifest-publisher',
      name: 'on a full disk the ballast makes room for a manifest',
    },
  },
  {
    name: 'on a full disk no one claims',
    invariants: [14],
    file: 'lib/log/log-directory.js',
    find: 'await withRoom(ballast, () => claimEpoch(fileSystem, root, names, now))',
    replace: 'await claimEpoch(fileSystem, root, names, now)',
    caughtBy: {
      file: 'log/commit/full-disk',
      name: 'an opening on a full disk claims the directory and copies unproven records out of the ballast',
    },
  },
  {
    name: 'on a full disk no copy is made at open',
    invariants: [8, 14],
    file: 'lib/log/recovery/recover.js',
    find: 'await this.#directory.withRoom(async () => {',
    replace: 'await (f => f())(async () => {',
    caughtBy: {
      file: 'log/commit/full-disk',
      name: 'an opening on a full disk claims the directory and copies unproven records out of the ballast',
    },
  },
  {
    name: 'on a full disk no lock is taken',
    invariants: [14],
    file: 'lib/log/log-directory.js',
    find: 'makeRoom: () => ballast.shrink(),',
    replace: '',
    caughtBy: {
      file: 'log/commit/full-disk',
      name: 'taking the lock of a directory on a full disk may ask for room',
    },
  },
  {
    name: 'fills take the ballast',
    invariants: [14],
    file: 'lib/log/segment/create-segment.js',
    find: 'if (directory.ballast.short) {',
    replace: 'if (false) {',
    caughtBy: {
      file: 'log/commit/full-disk',
      name: 'while the ballast is short, no segment is filled with zeros ahead',
    },
  },
  {
    name: 'another boot leaves no doubt',
    invariants: [13],
    file: 'lib/log/recovery/recover.js',
    find: 'tailInDoubt || (mayLackUnsynced && segments.some(({ length }) => length === undefined))',
    replace: 'tailInDoubt',
    caughtBy: {
      file: 'log/recovery/tail-in-doubt',
      name: 'after a reboot the tail of a log that accounts for its tail is in doubt',
    },
  },
  {
    name: 'doubt does not last until it was accounted for',
    invariants: [13],
    file: 'lib/log/recovery/recover.js',
    find: 'tailInDoubt || (mayLackUnsynced',
    replace: '(mayLackUnsynced',
    caughtBy: {
      file: 'log/recovery/tail-in-doubt',
      name: 'a tail stays in doubt from opening to opening until it is accounted for',
    },
  },
  {
    name: 'a clean close leaves doubt',
    invariants: [13],
    file: 'lib/log/recovery/recover.js',
    find: '(mayLackUnsynced && segments.some(({ length }) => length === undefined))',
    replace: 'mayLackUnsynced',
    caughtBy: {
      file: 'log/recovery/tail-in-doubt',
      name: 'after a clean close the tail is not in doubt in any boot',
    },
  },
  {
    name: 'a failed sync leaves no doubt',
    invariants: [13],
    file: 'lib/log/segment-log.js',
    find: '(this.#tailInDoubt || this.#commits.holdsDisplaced)',
    replace: 'this.#tailInDoubt',
    caughtBy: {
      file: 'log/recovery/tail-in-doubt',
      name: 'after a failed sync the tail is in doubt until accepted records are written again',
    },
  },
]
