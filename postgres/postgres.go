// Package postgres opens the database: pools for the app and for the job queue, GORM
// on the app's pool, and, where no database is given, a private server made from the
// PostgreSQL programs on this machine.
package postgres

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	gormpostgres "gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

const (
	// minMajor is the oldest PostgreSQL that the schema and the job queue work with.
	minMajor = 14

	defaultMaxConns   = 20
	defaultQueueConns = 6
	defaultSlowQuery  = 500 * time.Millisecond
	connectLimit      = 10 * time.Second
	applicationName   = "salesactions"
)

// Options tune Open; the zero value is right for the program.
type Options struct {
	Log *slog.Logger // default: nothing is logged
	// MaxConns is the most connections of the app; default 20, or the
	// pool_max_conns of the URL.
	MaxConns int32
	// QueueConns is the most connections of the job queue; default 6.
	QueueConns int32
	// SlowQuery is from when on a query is logged, without its values; default
	// 500 ms.
	SlowQuery time.Duration
}

// DB is the open database. All of it is safe for concurrent use.
type DB struct {
	Pool  *pgxpool.Pool // the app's: COPY, claims, LISTEN
	Queue *pgxpool.Pool // the job queue's own, so that a busy app cannot starve it
	Gorm  *gorm.DB      // on Pool's connections

	url string
}

// Open connects and checks the server's version. Errors are sentences without
// secrets. Times are read in UTC.
func Open(ctx context.Context, url string, options Options) (*DB, error) {
	if options.Log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}
	maxConns := options.MaxConns
	if maxConns == 0 && !strings.Contains(url, "pool_max_conns") {
		maxConns = defaultMaxConns
	}
	tracer := slowQueries{options.Log, cmp.Or(options.SlowQuery, defaultSlowQuery)}
	pool, err := openPool(ctx, url, maxConns, tracer)
	if err != nil {
		return nil, err
	}
	if err := checkVersion(ctx, pool, url); err != nil {
		pool.Close()
		return nil, err
	}
	queue, err := openPool(ctx, url, cmp.Or(options.QueueConns, defaultQueueConns), tracer)
	if err != nil {
		pool.Close()
		return nil, err
	}
	db := &DB{Pool: pool, Queue: queue, url: url}
	if db.Gorm, err = openGorm(pool); err != nil {
		db.Close()
		return nil, err
	}
	return db, nil
}

// URL is what Open was given; it may hold a password, so log SafeURL of it.
func (db *DB) URL() string { return db.url }

// Close waits until all connections have been given back, and closes them.
func (db *DB) Close() {
	if db.Gorm != nil {
		if handle, err := db.Gorm.DB(); err == nil {
			_ = handle.Close() // it owns no connection, the pool does
		}
	}
	db.Queue.Close()
	db.Pool.Close()
}

func openPool(ctx context.Context, url string, maxConns int32, tracer pgx.QueryTracer) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		// pgx repeats the URL in its error, and hides the password only in some forms.
		return nil, fmt.Errorf("the database URL cannot be read: it looks like postgres://user:password@host:5432/name")
	}
	if maxConns > 0 {
		config.MaxConns = maxConns
	}
	config.ConnConfig.ConnectTimeout = cmp.Or(config.ConnConfig.ConnectTimeout, connectLimit)
	if _, named := config.ConnConfig.RuntimeParams["application_name"]; !named {
		config.ConnConfig.RuntimeParams["application_name"] = applicationName
	}
	config.ConnConfig.RuntimeParams["timezone"] = "UTC"
	config.ConnConfig.Tracer = tracer
	config.AfterConnect = readTimesInUTC
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open the database pool: %w", err)
	}
	return pool, nil
}

// readTimesInUTC spares every reader a conversion: pgx would use the machine's zone.
func readTimesInUTC(_ context.Context, conn *pgx.Conn) error {
	conn.TypeMap().RegisterType(&pgtype.Type{
		Name:  "timestamptz",
		OID:   pgtype.TimestamptzOID,
		Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC},
	})
	return nil
}

func checkVersion(ctx context.Context, pool *pgxpool.Pool, url string) error {
	var number string
	if err := pool.QueryRow(ctx, "SHOW server_version_num").Scan(&number); err != nil {
		return fmt.Errorf("connect to the database %s: %w", SafeURL(url), err)
	}
	return versionError(number)
}

// versionError reads server_version_num: 150018 is 15.18 (PostgreSQL: preset options).
func versionError(number string) error {
	version, err := strconv.Atoi(number)
	if err != nil {
		return fmt.Errorf("read the PostgreSQL version: %w", err)
	}
	if version/10000 < minMajor {
		return fmt.Errorf("the database runs PostgreSQL %d, and %d or newer is needed", version/10000, minMajor)
	}
	return nil
}

func openGorm(pool *pgxpool.Pool) (*gorm.DB, error) {
	handle := stdlib.OpenDBFromPool(pool)
	db, err := gorm.Open(gormpostgres.New(gormpostgres.Config{Conn: handle}), &gorm.Config{
		SkipDefaultTransaction: true,
		TranslateError:         true,
		DisableAutomaticPing:   true,
		Logger:                 logger.Discard, // slowQueries logs for all
	})
	if err != nil {
		return nil, fmt.Errorf("open the database for the models: %w", err)
	}
	return db, nil
}

// SafeURL is where a database URL leads, without password or options, for logs.
func SafeURL(url string) string {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return "(unreadable database URL)"
	}
	if strings.HasPrefix(config.Host, "/") {
		return fmt.Sprintf("postgres:///%s?host=%s", config.Database, config.Host)
	}
	return fmt.Sprintf("postgres://%s@%s:%d/%s", config.User, config.Host, config.Port, config.Database)
}
