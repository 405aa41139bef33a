using System.Buffers;
using System.Text;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Hopseal.Relay.Stores.Sqlite;

/// <summary>A prepared statement that is run many times. Parameters are numbered, <c>?1</c>, <c>?2</c>, …; named
/// ones would be counted in the order in which they occur. For one thread.</summary>
/// <remarks>Next to SQLite itself: Microsoft.Data.Sqlite's commands box every value and allocate a reader for every run, which
/// costs the writer more than the work does.</remarks>
public sealed class Statement : IDisposable
{
    readonly sqlite3 _connection;
    readonly sqlite3_stmt _statement;

    /// <exception cref="SqliteException">It does not fit the database.</exception>
    public Statement(SqliteConnection connection, string sql)
    {
        _connection = connection.Handle ?? throw new InvalidOperationException("the connection is not open");
        Check(raw.sqlite3_prepare_v3(_connection, sql, raw.SQLITE_PREPARE_PERSISTENT, out _statement));
        for (var i = 1; i <= raw.sqlite3_bind_parameter_count(_statement); i++)
        {
            if (!raw.sqlite3_bind_parameter_name(_statement, i).utf8_to_string().StartsWith('?'))
            {
                throw new ArgumentException("parameters are numbered: ?1, ?2, …", nameof(sql));
            }
        }
    }

    /// <summary>Runs to the end; returns how many rows it changed.</summary>
    /// <exception cref="SqliteException">It failed.</exception>
    public int Run(params ReadOnlySpan<Value> values)
    {
        using (var rows = Read(values))
        {
            while (rows.Read())
            {
            }
        }

        return raw.sqlite3_changes(_connection);
    }

    /// <summary>The first column of the first row as a number; null without a row, or where it is null.</summary>
    /// <exception cref="SqliteException">It failed.</exception>
    public long? Ask(params ReadOnlySpan<Value> values)
    {
        using var rows = Read(values);
        return rows.Read() && !rows.IsDBNull(0) ? rows.GetInt64(0) : null;
    }

    /// <summary>The rows have to be disposed before the next run. A bound content is let go of then.</summary>
    /// <exception cref="SqliteException">A value cannot be bound.</exception>
    public Rows Read(params ReadOnlySpan<Value> values)
    {
        for (var i = 0; i < values.Length; i++)
        {
            Check(values[i].Bind(_statement, i + 1));
        }

        return new Rows(this);
    }

    public void Dispose() => _statement.Dispose();

    void Check(int code)
    {
        if (code != raw.SQLITE_OK)
        {
            SqliteException.ThrowExceptionForRC(code, _connection);
        }
    }

    /// <summary>What a run returns, row by row. Columns count from 0.</summary>
    public readonly ref struct Rows(Statement statement) : IDisposable
    {
        /// <exception cref="SqliteException">The statement failed.</exception>
        public bool Read()
        {
            var code = raw.sqlite3_step(statement._statement);
            if (code == raw.SQLITE_ROW)
            {
                return true;
            }

            if (code != raw.SQLITE_DONE)
            {
                statement.Check(code);
            }

            return false;
        }

        public bool IsDBNull(int column) => raw.sqlite3_column_type(statement._statement, column) == raw.SQLITE_NULL;

        public long GetInt64(int column) => raw.sqlite3_column_int64(statement._statement, column);

        public int GetInt32(int column) => raw.sqlite3_column_int(statement._statement, column);

        public string GetString(int column) => raw.sqlite3_column_text(statement._statement, column).utf8_to_string();

        public byte[] GetOctets(int column) => raw.sqlite3_column_blob(statement._statement, column).ToArray();

        /// <summary>The error of a run that failed has been thrown already: what resetting returns is the same again.</summary>
        public void Dispose()
        {
            _ = raw.sqlite3_reset(statement._statement);
            _ = raw.sqlite3_clear_bindings(statement._statement);
        }
    }

    /// <summary>A value to bind: nothing, a number, a text or octets.</summary>
    public readonly struct Value
    {
        const int StackOctets = 256;

        readonly Kind _kind;
        readonly long _number;
        readonly string? _text;
        readonly ReadOnlyMemory<byte> _octets;

        Value(Kind kind, long number = 0, string? text = null, ReadOnlyMemory<byte> octets = default) =>
            (_kind, _number, _text, _octets) = (kind, number, text, octets);

        enum Kind
        {
            Null,
            Number,
            Text,
            Octets,
        }

        public static implicit operator Value(long number) => new(Kind.Number, number);

        public static implicit operator Value(long? number) => number is { } known ? known : default(Value);

        public static implicit operator Value(string? text) => text is null ? default : new(Kind.Text, text: text);

        public static implicit operator Value(ReadOnlyMemory<byte> octets) => new(Kind.Octets, octets: octets);

        public int Bind(sqlite3_stmt statement, int index) => _kind switch
        {
            Kind.Null => raw.sqlite3_bind_null(statement, index),
            Kind.Number => raw.sqlite3_bind_int64(statement, index, _number),
            Kind.Text => BindText(statement, index, _text!),
            Kind.Octets => raw.sqlite3_bind_blob(statement, index, _octets.Span),
        };

        static int BindText(sqlite3_stmt statement, int index, string text)
        {
            var most = Encoding.UTF8.GetMaxByteCount(text.Length);
            byte[]? rented = null;
            var octets = most <= StackOctets ? stackalloc byte[StackOctets] : rented = ArrayPool<byte>.Shared.Rent(most);
            var length = Encoding.UTF8.GetBytes(text, octets);
            var code = raw.sqlite3_bind_text(statement, index, octets[..length]);
            if (rented is not null)
            {
                ArrayPool<byte>.Shared.Return(rented);
            }

            return code;
        }
    }
}
