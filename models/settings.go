package models

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"gorm.io/gorm"
)

// AnyVersion saves a group of settings whatever its version is.
const AnyVersion int64 = -1

// LoadSetting reads a group of settings into a pointer and returns its version.
// An absent group leaves into as it is, so that defaults can stand there, and has
// version 0.
func LoadSetting(ctx context.Context, db *gorm.DB, name string, into any) (int64, error) {
	var row struct {
		Value   string
		Version int64
	}
	err := db.WithContext(ctx).Table("settings").Select("value::text AS value", "version").
		Where("name = ?", name).Take(&row).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, translate(err, "load settings "+name)
	}
	if err := json.Unmarshal([]byte(row.Value), into); err != nil {
		return 0, fmt.Errorf("read settings %s: %w", name, err)
	}
	return row.Version, nil
}

// SaveSetting writes a group of settings if its version is still the one that was
// loaded (0: absent; AnyVersion: whatever it is), by an actor as AuditEvent has it.
// Errors: ErrConflict when somebody else saved the group meanwhile.
func SaveSetting(ctx context.Context, db *gorm.DB, name string, value any, version int64, by string) error {
	raw, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("write settings %s: %w", name, err)
	}
	saved := db.WithContext(ctx).Exec(`
		INSERT INTO settings AS s (name, value, updated_by)
		SELECT @name, CAST(@value AS jsonb), @by WHERE CAST(@version AS bigint) <= 0 OR EXISTS (SELECT 1 FROM settings WHERE name = @name)
		ON CONFLICT (name) DO UPDATE
		SET value = excluded.value, version = s.version + 1, updated_at = DEFAULT, updated_by = excluded.updated_by
		WHERE CAST(@version AS bigint) < 0 OR s.version = @version`,
		map[string]any{"name": name, "value": string(raw), "by": by, "version": version})
	if saved.Error != nil {
		return translate(saved.Error, "save settings "+name)
	}
	if saved.RowsAffected == 0 {
		return fmt.Errorf("save settings %s: %w", name, ErrConflict)
	}
	return nil
}
