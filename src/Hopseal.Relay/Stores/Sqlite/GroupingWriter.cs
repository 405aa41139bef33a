using System.Collections.Concurrent;
using Hopseal.Relay.Queue;
using Microsoft.Data.Sqlite;

namespace Hopseal.Relay.Stores.Sqlite;

/// <summary>The one writer: a thread with the only connection that writes. While it waits for the disk, callers gather; all
/// who wait share the next transaction and its one fsync. A work that fails does not fail the others of its group: the group
/// is rolled back and each is done alone.</summary>
/// <remarks>A thread and not a task: SQLite's calls block, and a pool thread that waits for the disk serves nobody.</remarks>
sealed class GroupingWriter
{
    const int MaxGroup = 256;
    const int MaxGroupOctets = 8 * 1024 * 1024;

    /// <summary>When so much has been written since the last time, an idle writer copies the log into the database, so that the next
    /// rush does not have to stop for it.</summary>
    const int TidyOctets = 4 * 1024 * 1024;

    static readonly TimeSpan s_idle = TimeSpan.FromMilliseconds(200);

    readonly Func<QueueRows> _open;
    readonly BlockingCollection<Work> _waiting = [];
    readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly List<Work> _group = [];
    QueueRows? _rows;
    long _transactions;
    long _untidy;

    /// <param name="open">Opens the connection; called again after a failure that spoilt it.</param>
    public GroupingWriter(QueueRows rows, Func<QueueRows> open)
    {
        _rows = rows;
        _open = open;
        new Thread(Run) { Name = "Hopseal queue writer", IsBackground = true }.Start();
    }

    /// <summary>Transactions committed so far, those of failed groups' single works included.</summary>
    public long Transactions => Volatile.Read(ref _transactions);

    /// <summary>Does the work within a transaction and completes once it is on stable storage. The work may be done twice when
    /// the first time was rolled back. Cancelling counts only until it has begun: what this returns is then the truth.</summary>
    /// <param name="octets">How much the work writes, about.</param>
    /// <param name="committed">Called in the writer's thread once it is on stable storage, before anything else is
    /// done.</param>
    /// <exception cref="QueueStoreException">It was not done.</exception>
    public async ValueTask<T> DoAsync<T>(
        Func<QueueRows, T> work, int octets, CancellationToken cancel, Action<QueueRows, T>? committed = null)
    {
        var waiting = new Work<T>(work, committed, octets, cancel);
        try
        {
            _waiting.Add(waiting, CancellationToken.None);
        }
        catch (InvalidOperationException)
        {
            throw new ObjectDisposedException(nameof(SqliteQueueStore));
        }

        return await waiting.Completion;
    }

    /// <summary>Finishes what waits, closes the connection and ends the thread.</summary>
    public Task EndAsync()
    {
        _waiting.CompleteAdding();
        return _ended.Task;
    }

    void Run()
    {
        while (true)
        {
            if (!_waiting.TryTake(out var first, _untidy < TidyOctets ? Timeout.InfiniteTimeSpan : s_idle))
            {
                if (_waiting.IsCompleted)
                {
                    break;
                }

                Tidy();
                continue;
            }

            var octets = 0;
            for (var work = first; work is not null; work = Next(octets))
            {
                if (work.Begin())
                {
                    octets += work.Octets;
                    _group.Add(work);
                }
            }

            WriteGroup();
            _group.Clear();
            _untidy += octets;
        }

        _rows?.Dispose();
        _waiting.Dispose();
        _ended.SetResult();
    }

    void Tidy()
    {
        try
        {
            if (_rows is null || !_rows.Tidy())
            {
                _untidy = 0;
            }
        }
        catch (SqliteException e)
        {
            // Nothing was promised to anybody. What is wrong with the disk, the next write says to those who can tell.
            _untidy = 0;
            Recover(e);
        }
    }

    Work? Next(int octets) =>
        _group.Count < MaxGroup && octets < MaxGroupOctets && _waiting.TryTake(out var work) ? work : null;

    void WriteGroup()
    {
        if (_group.Count == 0 || TryWrite(_group, out var failure))
        {
            return;
        }

        if (_group.Count == 1 && !failure.MayBeKept)
        {
            _group[0].Fail(failure);
            return;
        }

        // Alone, each work gets its own answer. After a failed commit this also finds out what was kept after all: every
        // work leaves what it finds done as it is.
        var mayBeKept = failure.MayBeKept;
        foreach (var work in _group)
        {
            if (!TryWrite([work], out failure))
            {
                work.Fail(mayBeKept && !failure.MayBeKept
                    ? new QueueStoreException(failure.Message, failure) { IsFull = failure.IsFull, MayBeKept = true }
                    : failure);
            }
        }
    }

    bool TryWrite(List<Work> works, [System.Diagnostics.CodeAnalysis.NotNullWhen(false)] out QueueStoreException? failure)
    {
        var committing = false;
        try
        {
            _rows ??= _open();
            _rows.Begin();
            foreach (var work in works)
            {
                work.Do(_rows);
            }

            committing = true;
            _rows.Commit();
            Volatile.Write(ref _transactions, _transactions + 1);
        }
#pragma warning disable CA1031 // A defect in one work must not end the thread that everybody waits for: it fails that work.
        catch (Exception e)
#pragma warning restore CA1031
        {
            failure = e switch
            {
                QueueStoreException known => known,
                SqliteException sqlite => sqlite.ToStoreException(committing),
                _ => new QueueStoreException($"the queue could not be written: {e.Message}", e),
            };
            Recover(e);
            return false;
        }

        foreach (var work in works)
        {
            work.Succeed(_rows);
        }

        failure = null;
        return true;
    }

    void Recover(Exception failure)
    {
        if (_rows is not null && (failure is SqliteException e && e.SpoilsTheConnection() || !_rows.TryRollback()))
        {
            _rows.Dispose();
            _rows = null;
        }
    }

    abstract class Work(int octets, CancellationToken cancel)
    {
        public int Octets => octets;

        /// <summary>False when its caller has gone; then it is over.</summary>
        public bool Begin()
        {
            if (cancel.IsCancellationRequested)
            {
                Cancel(cancel);
                return false;
            }

            return true;
        }

        public abstract void Do(QueueRows rows);

        public abstract void Succeed(QueueRows rows);

        public abstract void Fail(QueueStoreException failure);

        protected abstract void Cancel(CancellationToken cancel);
    }

    sealed class Work<T>(Func<QueueRows, T> work, Action<QueueRows, T>? committed, int octets, CancellationToken cancel) : Work(octets, cancel)
    {
        readonly TaskCompletionSource<T> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        T _result = default!;

        public Task<T> Completion => _done.Task;

        public override void Do(QueueRows rows) => _result = work(rows);

        public override void Succeed(QueueRows rows)
        {
            committed?.Invoke(rows, _result);
            _done.SetResult(_result);
        }

        public override void Fail(QueueStoreException failure) => _done.SetException(failure);

        protected override void Cancel(CancellationToken cancel) => _done.SetCanceled(cancel);
    }
}
