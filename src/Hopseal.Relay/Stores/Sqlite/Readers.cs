using System.Collections.Concurrent;
using Hopseal.Relay.Queue;
using Microsoft.Data.Sqlite;

namespace Hopseal.Relay.Stores.Sqlite;

/// <summary>Read-only connections, each with its prepared statements, for whoever reads while the writer writes. Neither waits for
/// the other.</summary>
sealed class Readers(string file) : IDisposable
{
    /// <summary>Connections kept open. More are opened when more read at once, and closed after it.</summary>
    const int MaxIdle = 8;

    readonly ConcurrentBag<Reader> _idle = [];
    readonly string _connection = new SqliteConnectionStringBuilder
    {
        DataSource = file,
        Mode = SqliteOpenMode.ReadOnly,
        Pooling = false,
    }.ToString();

    volatile bool _disposed;

    public delegate T Reading<out T>(Statement.Rows rows);

    /// <exception cref="QueueStoreException">The database cannot be read.</exception>
    public T Read<T>(string sql, Reading<T> read, params ReadOnlySpan<Statement.Value> values)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        Reader? reader = null;
        try
        {
            reader = _idle.TryTake(out var idle) ? idle : new Reader(_connection);
            T result;
            using (var rows = reader.Statement(sql).Read(values))
            {
                result = read(rows);
            }

            PutBack(reader);
            return result;
        }
        catch (SqliteException e)
        {
            // What it believes may be wrong after that.
            reader?.Dispose();
            throw e.ToStoreException(committing: false);
        }
        catch
        {
            reader?.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        _disposed = true;
        while (_idle.TryTake(out var reader))
        {
            reader.Dispose();
        }
    }

    void PutBack(Reader reader)
    {
        if (_idle.Count >= MaxIdle)
        {
            reader.Dispose();
            return;
        }

        _idle.Add(reader);
        if (_disposed)
        {
            Dispose();
        }
    }

    sealed class Reader : IDisposable
    {
        readonly SqliteConnection _connection;
        readonly Dictionary<string, Statement> _statements = new(StringComparer.Ordinal);

        public Reader(string connection)
        {
            _connection = new SqliteConnection(connection);
            try
            {
                _connection.Open();
            }
            catch
            {
                _connection.Dispose();
                throw;
            }
        }

        public Statement Statement(string sql)
        {
            if (!_statements.TryGetValue(sql, out var statement))
            {
                _statements.Add(sql, statement = new Statement(_connection, sql));
            }

            return statement;
        }

        public void Dispose()
        {
            foreach (var statement in _statements.Values)
            {
                statement.Dispose();
            }

            _connection.Dispose();
        }
    }
}
